import type { WrittenMail } from "./api.ts";

export type SentMail = WrittenMail & { receiver: string };

/** The mail in a delivery's body; null before it is made, and for a body that holds none. */
export function mailIn(body: string): SentMail | null {
  let read: unknown;
  try {
    read = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof read !== "object" || read === null) return null;
  const { html, text, subject, receiver } = read as Record<string, unknown>;
  if (typeof html !== "string" || typeof text !== "string" || typeof subject !== "string") return null;
  return { html, text, subject, receiver: typeof receiver === "string" ? receiver : "" };
}
