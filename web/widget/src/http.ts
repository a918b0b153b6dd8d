import type {
  Claim,
  Contact,
  ContactFields,
  Entered,
  MessagePage,
  SendAnswer,
  SendRequest,
  Snapshot,
  WidgetAnswer,
} from "./wire";

// The visitor API. Never throws: an answer is a value or a fault.

export interface Fault {
  ok: false;
  /** 0 = no answer at all. */
  status: number;
  code: string;
  message: string;
  /** Seconds the server asks to wait. */
  wait: number;
}
export type Answer<T> = { ok: true; value: T } | Fault;

const LIMIT = 20_000;

/** Faults that may be gone next time. */
export const isTransient = ({ status }: Fault): boolean =>
  status === 0 || status === 408 || status === 425 || status === 429 || status >= 500;

/** What a page tells about its visitor. */
export interface Facts extends ContactFields {
  custom?: Record<string, unknown>;
  claimed?: Claim;
}

export interface Http {
  widget(): Promise<Answer<WidgetAnswer>>;
  send(request: SendRequest): Promise<Answer<SendAnswer>>;
  identify(identity: string): Promise<Answer<Entered>>;
  me(): Promise<Answer<Snapshot>>;
  change(facts: Facts): Promise<Answer<{ contact: Contact }>>;
  messages(id: number, before?: number): Promise<Answer<MessagePage>>;
  read(id: number, number: number): Promise<Answer<void>>;
  /** What a visitor says or does: ends, rates, reaches a goal. */
  tell<T>(path: string, body: Record<string, unknown>): Promise<Answer<T>>;
  logout(): Promise<Answer<void>>;
  /** Anything else. With another token than that of the visitor, or none: "". */
  ask<T>(method: string, path: string, body?: unknown, bearer?: string | null): Promise<Answer<T>>;
}

export function createHttp(base: string, key: string, token: () => string | null): Http {
  async function ask<T>(method: string, path: string, body?: unknown, bearer = token()): Promise<Answer<T>> {
    const headers: Record<string, string> = {};
    if (bearer) headers["Authorization"] = `Bearer ${bearer}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    try {
      const response = await fetch(`${base}/visitor/v1${path}`, {
        method,
        headers,
        credentials: "omit",
        cache: "no-store",
        signal: AbortSignal.timeout(LIMIT),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (response.ok) return { ok: true, value: (text ? JSON.parse(text) : undefined) as T };
      let problem: { code?: string; detail?: string; title?: string } = {};
      try {
        problem = JSON.parse(text);
      } catch {
        // A proxy in between answers in its own words; the status is enough.
      }
      return {
        ok: false,
        status: response.status,
        code: problem.code ?? `http.${response.status}`,
        message: problem.detail ?? problem.title ?? "",
        wait: Number(response.headers.get("Retry-After")) || 0,
      };
    } catch (fault) {
      return { ok: false, status: 0, code: "network", message: String(fault), wait: 0 };
    }
  }

  const post = <T>(path: string, body: unknown) => ask<T>("POST", path, body);
  const widget = `/widgets/${key}`;
  return {
    widget: () => ask("GET", widget),
    send: (request) => post(`${widget}/messages`, request),
    identify: (identity) => post(`${widget}/identify`, { identity }),
    me: () => ask("GET", "/me"),
    change: (facts) => ask("PATCH", "/me", facts),
    messages: (id, before) =>
      ask("GET", `/conversations/${id}/messages?limit=50${before ? `&before=${before}` : ""}`),
    read: (id, number) => post(`/conversations/${id}/read`, { number }),
    tell: post,
    logout: () => post("/logout", {}),
    ask,
  };
}
