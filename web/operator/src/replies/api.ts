// Saved replies and questions: their routes, and their shapes as the contract names them.

import { request } from "../api/client.ts";
import type { Time } from "../api/types.ts";

/** A text that is written again and again, or a question with ready answers. */
export type ReplyKind = "reply" | "question";

export interface Reply {
  id: number;
  kind: ReplyKind;
  /** What an operator types for it; lower case, unique among its kind. */
  shortcut: string;
  title: string;
  /** May hold variables, such as {name}. */
  body: string;
  /** The answers of a question; empty for a reply. */
  options: string[];
  created_at: Time;
  updated_at: Time;
}

export type ReplyInput = Pick<Reply, "kind" | "shortcut" | "title" | "body" | "options">;

/** A reply for one conversation: its variables are filled. */
export interface FilledReply {
  body: string;
  options: string[];
}

/** What the cache knows them by; a change of one throws all of it away. */
export const REPLIES_KEY = ["replies"];
export const replyListKey = (kind: ReplyKind | "all", q = "") => [...REPLIES_KEY, "list", kind, q];
export const replyKey = (id: number) => [...REPLIES_KEY, id];

/** Both kinds when none is named. `q` narrows to those whose shortcut, title or text holds its words. */
export async function listReplies(
  query: { kind?: ReplyKind; q?: string } = {},
  signal?: AbortSignal,
): Promise<Reply[]> {
  const { items } = await request<{ items: Reply[] }>("GET", "/replies", { query, signal });
  return items;
}

export const createReply = (input: ReplyInput, key: string) =>
  request<Reply>("POST", "/replies", { body: input, key });

/** The kind of one cannot be changed. */
export const updateReply = (id: number, input: Partial<Omit<ReplyInput, "kind">>) =>
  request<Reply>("PATCH", `/replies/${id}`, { body: input });

export const removeReply = (id: number) => request<void>("DELETE", `/replies/${id}`);

/** The text as the contact of this conversation would get it. */
export const previewReply = (conversation: number, reply: number, signal?: AbortSignal) =>
  request<FilledReply>("POST", `/conversations/${conversation}/replies/${reply}/preview`, { signal });
