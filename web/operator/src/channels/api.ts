// The routes behind channels, and their shapes as the contract names them.

import { newKey, type QueryValue, request } from "../api/client.ts";
import type {
  Chart,
  ChartRange,
  Contact,
  Conversation,
  EndpointStats,
  Message,
  Named,
  Page,
  Time,
} from "../api/types.ts";

/** One setting of a type of channel, as the channel itself describes it: forms are made from these. */
export interface FieldInfo {
  name: string;
  label: string;
  help: string;
  kind: "text" | "url" | "secret" | "choice";
  required: boolean;
  /** The server makes a value when none is given. */
  generated: boolean;
  default: string;
  options: { value: string; label: string }[];
}

export interface ChannelType {
  type: string;
  label: string;
  description: string;
  /** The website comes with the widgets; it cannot be made here. */
  creatable: boolean;
  fields: FieldInfo[];
}

/** What may be told of a secret after it was stored. */
export interface SecretMark {
  set: boolean;
  /** How it ends, so that two can be told apart; null for short ones and for who is no admin. */
  hint: string | null;
  /** Until when the one before it is taken, too. */
  previous_expires_at?: Time | null;
}

export interface ChannelSetup {
  id: number;
  type: string;
  name: string;
  widget_id: number;
  /** Where visitors may move a conversation to the channel. */
  widgets: number[];
  /** Empty for who is no admin. */
  settings: { [field: string]: string };
  secrets: { [field: string]: SecretMark };
  /** null for who is no admin. */
  inbound_url: string | null;
  merge: boolean;
  auto_reply: boolean;
  state: "active" | "paused" | "gone";
  state_reason: string;
  stats: EndpointStats;
  created_at: Time;
  updated_at: Time;
}

export type ChannelInput = Pick<
  ChannelSetup,
  "name" | "widget_id" | "widgets" | "settings" | "merge" | "auto_reply"
>;

export type NewChannelInput = ChannelInput & { type: string; secrets: { [field: string]: string } };

/** One knock at the Inbound URL, let in or not. */
export interface InboundEntry {
  id: number;
  at: Time;
  ip: string;
  status: number;
  code: string | null;
  detail: string | null;
  message_id: number | null;
  conversation_id?: number | null;
  duplicate: boolean;
}

export interface TestAnswer {
  delivery_id: number | null;
  conversation_id: number | null;
  message_id: number | null;
}

/** By what a contact is known on a channel. */
export interface ContactAddress {
  id: number;
  channel: Named;
  /** An e-mail address, or the other side's own id behind "id:". */
  address: string;
  email: string | null;
  /** The contact was known before, from elsewhere, by the same e-mail address. */
  merged: boolean;
  created_at: Time;
  /** When it was made a contact of its own, which is the one that has it now. */
  separated_at: Time | null;
}

export interface StartInput {
  channel_id: number;
  contact_id?: number;
  email?: string;
  address?: string;
  name?: string;
  body: string;
}

type Items<Item> = { items: Item[] };

export const channels = {
  types: () => request<Items<ChannelType>>("GET", "/channel-types"),
  list: () => request<Items<ChannelSetup>>("GET", "/channels"),
  get: (id: number) => request<ChannelSetup>("GET", `/channels/${id}`),
  create: (input: NewChannelInput, key: string) =>
    request<{ channel: ChannelSetup; secrets: { [field: string]: string } }>("POST", "/channels", {
      body: input,
      key,
    }),
  update: (id: number, input: Partial<ChannelInput>) =>
    request<ChannelSetup>("PATCH", `/channels/${id}`, { body: input }),
  remove: (id: number) => request<void>("DELETE", `/channels/${id}`),
  pause: (id: number) => request<unknown>("POST", `/channels/${id}/pause`),
  resume: (id: number, backlog: boolean) =>
    request<unknown>("POST", `/channels/${id}/resume`, { body: { backlog } }),
  rotate: (id: number, secret: string, value: string | undefined, overlapHours: number, key: string) =>
    request<{ value: string }>("POST", `/channels/${id}/rotate`, {
      body: { secret, ...(value !== undefined && { value }), overlap_hours: overlapHours },
      key,
    }),
  test: (id: number, direction: "out" | "in") =>
    request<TestAnswer>("POST", `/channels/${id}/test`, { body: { direction }, key: newKey() }),
  chart: (id: number, range: ChartRange) =>
    request<Chart>("GET", `/channels/${id}/chart`, { query: { range } }),
  inbound: (id: number, query: Record<string, QueryValue>) =>
    request<Page<InboundEntry>>("GET", `/channels/${id}/inbound`, { query }),
};

export const addresses = {
  list: (contact: number) => request<Items<ContactAddress>>("GET", `/contacts/${contact}/addresses`),
  separate: (contact: number, address: number) =>
    request<{ contact: Contact }>("POST", `/contacts/${contact}/addresses/${address}/separate`, {
      key: newKey(),
    }),
  start: (input: StartInput, key: string) =>
    request<{ message: Message; conversation: Conversation }>("POST", "/conversations", {
      body: input,
      key,
    }),
};
