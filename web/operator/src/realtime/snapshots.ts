// What the cache holds. Every snapshot carries the number of the last event it contains, so that an event is
// applied to it once, in order, whatever arrived first.

import type * as T from "../api/types.ts";

/** "attention" is where a message waits too long for an operator. */
export type View = "mine" | "unassigned" | "all" | "attention";

export interface ListFilter {
  view: View;
  statuses: T.ConversationStatus[];
  contactId?: number;
  /** "website" or the id of a channel. */
  channel?: string;
}

export function isOfChannel(wanted: string | undefined, { id, type }: T.Channel): boolean {
  return wanted === undefined || wanted === (id === null ? type : String(id));
}

export interface ListSnapshot {
  seq: number;
  items: T.Conversation[];
  nextCursor: string | null;
}

export interface ThreadSnapshot {
  seq: number;
  /** Ascending by number, without gaps. */
  items: T.Message[];
  hasMore: boolean;
  /** Set when an event skipped a number: the thread has to be read again. */
  gap: boolean;
}

export interface ConversationSnapshot {
  seq: number;
  conversation: T.Conversation;
}

export interface CountsSnapshot {
  seq: number;
  counts: T.Counts;
  /** Set when an event changed them in a way that could not be told from what is known. */
  uncertain: boolean;
}

export const keys = {
  me: ["me"] as const,
  list: (filter: ListFilter) => ["conversations", filter] as const,
  conversation: (id: number) => ["conversation", id] as const,
  thread: (id: number) => ["thread", id] as const,
  counts: ["counts"] as const,
  operators: ["operators"] as const,
  groups: ["groups"] as const,
  widgets: ["widgets"] as const,
};

export const EVERY_STATUS: T.ConversationStatus[] = ["new", "open", "pending", "ended"];
export const NOT_ENDED: T.ConversationStatus[] = ["new", "open", "pending"];
