import type { Problem } from "./types.ts";

export interface FieldFault {
  field: string;
  code: string;
  detail: string;
}

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly field: string | null;
  readonly errors: FieldFault[];
  readonly requestId: string;
  readonly retryAfter: number | null;

  constructor(
    status: number,
    code: string,
    detail: string,
    more: { field?: string; errors?: FieldFault[]; requestId?: string; retryAfter?: number } = {},
  ) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.field = more.field ?? null;
    this.errors = more.errors ?? [];
    this.requestId = more.requestId ?? "";
    this.retryAfter = more.retryAfter ?? null;
  }

  /** True when the same request may succeed later without anybody changing it. */
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Faults by field path; a single-fault answer counts like a list of one. */
  byField(): Map<string, string> {
    const faults = new Map<string, string>();
    if (this.field) faults.set(this.field, this.detail);
    for (const fault of this.errors) {
      if (!faults.has(fault.field)) faults.set(fault.field, fault.detail);
    }
    return faults;
  }
}

export function offlineError(): ApiError {
  return new ApiError(0, "network.unreachable", "The server cannot be reached. Check the connection.");
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && ("code" in value || "title" in value);
}

export async function errorOf(response: Response): Promise<ApiError> {
  return errorFrom(
    response.status,
    await response.text().catch(() => ""),
    response.headers.get("Retry-After"),
  );
}

export function errorFrom(status: number, text: string, after: string | null): ApiError {
  const seconds = Number(after);
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
  let body: unknown = null;
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy may answer with a page of its own; the status is all there is to tell then.
  }
  if (!isProblem(body)) {
    const detail =
      status >= 500
        ? `The server failed to answer (${status}).`
        : `The server refused the request (${status}).`;
    return new ApiError(status, `http.${status}`, detail, { retryAfter });
  }
  return new ApiError(
    status,
    body.code ?? `http.${status}`,
    body.detail || body.title || `The server answered ${status}.`,
    { field: body.field, errors: body.errors, requestId: body.request_id, retryAfter },
  );
}

export function asApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  return new ApiError(0, "client.failed", cause instanceof Error ? cause.message : String(cause));
}
