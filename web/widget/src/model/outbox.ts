import type { Answering, Media } from "../wire";

// What the visitor wrote and the server has not confirmed yet. Pure: lists in, lists out.

/** A file that goes with a message; without a key it is still on its way to the server. */
export interface Attached extends Media {
  key: string | null;
}

export interface OutboxItem {
  /** Also the idempotency key: a retry keeps it, so nothing is ever stored twice. */
  clientId: string;
  body: string;
  /** null = the conversation is not known yet; the server finds or makes it. */
  conversationId: number | null;
  /** The visitor continues an ended conversation. */
  reopen: boolean;
  writtenAt: string;
  state: "sending" | "failed";
  /** Refused for good: it does not hold up what was written after it. */
  refused: boolean;
  tries: number;
  media?: Attached | null;
  /** It answers an operator who wrote first. */
  invitation?: Answering;
}

export type Outbox = readonly OutboxItem[];

/** Its file, if it has one, is on the server. */
export const isComplete = (item: OutboxItem): boolean => item.media?.key !== null;

/** The one message that may be sent now. Order within a conversation holds because there is only one. */
export function nextToSend(outbox: Outbox): OutboxItem | null {
  const blocked = new Set<number | null>();
  for (const item of outbox) {
    if (item.refused) continue;
    if (item.state === "sending" && isComplete(item) && !blocked.has(item.conversationId)) return item;
    // A message waiting for its file, the visitor's or the line's sign keeps its followers waiting too.
    blocked.add(item.conversationId);
  }
  return null;
}

export const without = (outbox: Outbox, clientId: string): Outbox =>
  outbox.some((item) => item.clientId === clientId)
    ? outbox.filter((item) => item.clientId !== clientId)
    : outbox;

/** Now that the conversation exists, what waited for it belongs to it. */
export const retarget = (outbox: Outbox, from: number | null, to: number | null): Outbox =>
  outbox.map((item) => (item.conversationId === from ? { ...item, conversationId: to } : item));

/** The line failed: this message and the ones behind it wait as failed. */
export function markFailed(outbox: Outbox, clientId: string, refused: boolean): Outbox {
  const head = outbox.find((item) => item.clientId === clientId);
  if (!head) return outbox;
  return outbox.map((item) => {
    if (item.clientId === clientId) return { ...item, state: "failed", refused };
    if (refused || item.conversationId !== head.conversationId) return item;
    return { ...item, state: "failed" };
  });
}

/** Try again: the given message, and with it every one of its conversation that only waits for the line. */
export function revive(outbox: Outbox, clientId: string | null): Outbox {
  const head = outbox.find((item) => item.clientId === clientId);
  return outbox.map((item) => {
    const chosen = item === head;
    const waiting =
      !item.refused && (clientId === null || (head && item.conversationId === head.conversationId));
    if (item.state !== "failed" || !(chosen || waiting)) return item;
    return { ...item, state: "sending", refused: false, tries: 0 };
  });
}

/** What a reload finds in the storage, checked, because anything may stand there. */
export function readOutbox(stored: unknown): Outbox {
  if (!Array.isArray(stored)) return [];
  return stored.filter(
    (item): item is OutboxItem =>
      typeof item?.clientId === "string" &&
      typeof item.body === "string" &&
      typeof item.writtenAt === "string",
  );
}
