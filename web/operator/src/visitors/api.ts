// Who is on the sites now: the routes, and their shapes as the contract names them.

import { request } from "../api/client.ts";
import type { Time } from "../api/types.ts";

export interface VisitorPage {
  url: string;
  title: string;
  at: Time;
}

export interface Visitor {
  id: number;
  widget_id: number;
  /** Who it is where they have written before. */
  contact_id: number | null;
  /** An open conversation of theirs: they are written to there. */
  conversation_id: number | null;
  handle_or_name: string;
  url: string;
  title: string;
  referrer: string;
  /** The pages of this visit, the open one last. */
  trail: VisitorPage[];
  pages: number;
  visits: number;
  started_at: Time;
  seen_at: Time;
  browser: string;
  os: string;
  device: string;
  city: string;
  country: string;
  /** Empty for unknown. */
  ip: string;
  invited_at: Time | null;
}

export const visitors = {
  list: async (widget: number | null, signal?: AbortSignal) =>
    (await request<{ items: Visitor[] }>("GET", "/visitors", { query: { widget_id: widget }, signal })).items,
  invite: (id: number, body: string, key: string) =>
    request<{ invitation_id: number }>("POST", `/visitors/${id}/invite`, { body: { body }, key }),
};
