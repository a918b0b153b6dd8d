// The routes behind the table, and their shapes as the contract names them.

import { request } from "../api/client.ts";
import type { ConversationPage } from "../api/types.ts";

export type BulkAction =
  | "send"
  | "unsend"
  | "end"
  | "reopen"
  | "assign"
  | "forward"
  | "tag"
  | "untag"
  | "transcript";

export interface BulkOrder {
  action: BulkAction;
  /** null: nobody has them any more. */
  operator_id?: number | null;
  group_id?: number;
  tags?: string[];
}

export interface BulkResult {
  id: number;
  ok: boolean;
  changed: boolean;
  code: string | null;
  detail: string | null;
}

const PAGE = 50;

export const table = {
  page: (parameters: string, cursor: string | null, signal?: AbortSignal) =>
    request<ConversationPage>(
      "GET",
      `/conversations?${parameters}&limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`,
      { signal },
    ),
  /** Every conversation that matches, newest activity first; `more` when the server stopped counting. */
  ids: (parameters: string, signal?: AbortSignal) =>
    request<{ ids: number[]; more: boolean }>("GET", `/conversations/ids?${parameters}`, { signal }),
  bulk: (order: BulkOrder, ids: number[], key: string) =>
    request<{ results: BulkResult[] }>("POST", "/conversations/bulk", {
      body: { ...order, conversation_ids: ids },
      key,
    }),
};

export function exportAddress(parameters: string, format: "csv" | "json"): string {
  return `/api/v1/conversations/export?format=${format}&${parameters}`;
}
