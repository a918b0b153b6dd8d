import { type ApiError, errorOf, offlineError } from "./error.ts";

const PREFIX = "/api/v1";

export type QueryValue = string | number | null | undefined;

export interface RequestOptions {
  body?: unknown;
  query?: Record<string, QueryValue>;
  key?: string;
  signal?: AbortSignal;
  keepalive?: boolean;
}

type SignedOutListener = () => void;
let signedOut: SignedOutListener = () => {};

/** One listener is enough: the shell, which then shows the sign-in page. */
export function onSignedOut(listener: SignedOutListener): void {
  signedOut = listener;
}

export function announceSignedOut({ status, code }: ApiError): void {
  if (status === 401 && (code === "auth.required" || code === "auth.invalid")) signedOut();
}

function address(path: string, query: Record<string, QueryValue> | undefined): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") pairs.set(name, String(value));
  }
  const text = pairs.toString();
  return text ? `${PREFIX}${path}?${text}` : PREFIX + path;
}

export async function request<Answer>(
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<Answer> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.key) headers["Idempotency-Key"] = options.key;
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      keepalive: options.keepalive,
      credentials: "same-origin",
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw offlineError();
  }
  if (!response.ok) {
    const error = await errorOf(response);
    announceSignedOut(error);
    throw error;
  }
  if (response.status === 204) return undefined as Answer;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as Answer;
}

export function newKey(): string {
  // randomUUID exists only on https and localhost; a server in a private network may be plain http.
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
