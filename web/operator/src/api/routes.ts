import { newKey, type QueryValue, request } from "./client.ts";
import type * as T from "./types.ts";

type Items<Item> = { items: Item[] };

export interface OperatorInput {
  email?: string;
  first_name?: string;
  last_name?: string;
  alias?: string;
  role?: T.Role;
  password?: string;
  slots?: number;
  group_ids?: number[];
  active?: boolean;
}

export type ContactInput = Partial<Pick<T.Contact, "name" | "email" | "phone" | "external_id" | "custom">> & {
  /** null leaves a field as it is. */
  additional?: (T.AdditionalField | null)[];
};

function messagePath(message: T.Message): string {
  return `/conversations/${message.conversation_id}/messages/${message.id}`;
}

export const session = {
  me: () => request<T.Me>("GET", "/me"),
  signIn: (email: string, password: string) =>
    request<{ operator: T.OperatorFull }>("POST", "/sign-in", { body: { email, password } }),
  signInByLink: (token: string) =>
    request<{ operator: T.OperatorFull }>("POST", "/sign-in/link", { body: { token } }),
  signOut: () => request<void>("POST", "/sign-out"),
  setAvailability: (availability: T.Presence) =>
    request<{ operator: T.OperatorFull }>("PUT", "/me/availability", { body: { availability } }),
  setPassword: (current: string, next: string) =>
    request<void>("POST", "/me/password", { body: { current, new: next } }),
};

export const conversations = {
  list: (query: Record<string, QueryValue>, signal?: AbortSignal) =>
    request<T.ConversationPage>("GET", "/conversations", { query, signal }),
  get: (id: number, signal?: AbortSignal) =>
    request<T.Conversation & { seq: number }>("GET", `/conversations/${id}`, { signal }),
  messages: (id: number, query: Record<string, QueryValue>, signal?: AbortSignal) =>
    request<T.MessagePage>("GET", `/conversations/${id}/messages`, { query, signal }),
  /** Text that begins like a command is refused unless it is said to be text. */
  send: (
    id: number,
    body: string,
    note: boolean,
    key: string,
    more: { asText?: boolean; media?: string; choices?: string[] } = {},
  ) =>
    request<T.MessageAnswer>("POST", `/conversations/${id}/messages`, {
      body: {
        body,
        note,
        reference: null,
        ...(more.asText && { as_text: true }),
        ...(more.media && { media: more.media }),
        ...(more.choices && { choices: more.choices }),
      },
      key,
    }),
  command: (id: number, line: string, key: string) =>
    request<T.CommandAnswer>("POST", `/conversations/${id}/commands`, { body: { line }, key }),
  flag: (id: number, flagged: boolean) =>
    request<T.Conversation>("POST", `/conversations/${id}/flag`, { body: { flagged }, key: newKey() }),
  setTags: (id: number, tags: string[]) =>
    request<T.Conversation>("PUT", `/conversations/${id}/tags`, { body: { tags } }),
  setTopic: (id: number, topic: string) =>
    request<T.Conversation>("PUT", `/conversations/${id}/topic`, { body: { topic } }),
  read: (id: number, number: number) =>
    request<void>("POST", `/conversations/${id}/read`, { body: { number } }),
  assign: (id: number, operator: number | null) =>
    request<T.Conversation>("POST", `/conversations/${id}/assign`, {
      body: { operator_id: operator },
      key: newKey(),
    }),
  forward: (id: number, to: { operator_id: number } | { group_id: number }, note: string) =>
    request<T.Conversation>("POST", `/conversations/${id}/forward`, {
      body: note.trim() ? { ...to, note: note.trim() } : to,
      key: newKey(),
    }),
  end: (id: number, keepalive = false) =>
    request<T.Conversation>("POST", `/conversations/${id}/end`, { key: newKey(), keepalive }),
  reopen: (id: number) => request<T.Conversation>("POST", `/conversations/${id}/reopen`, { key: newKey() }),
  setStatus: (id: number, status: "open" | "pending") =>
    request<T.Conversation>("PUT", `/conversations/${id}/status`, { body: { status } }),
};

export const messages = {
  edit: (message: T.Message, body: string) =>
    request<T.MessageAnswer>("PATCH", messagePath(message), { body: { body } }),
  remove: (message: T.Message) => request<T.MessageAnswer>("DELETE", messagePath(message)),
  /** Sends the same message over its channel again, or fetches its file again. */
  again: (message: T.Message, what: "retry" | "refetch") =>
    request<T.MessageAnswer>("POST", `${messagePath(message)}/${what}`, { key: newKey() }),
};

export const mediaLimits = () => request<{ max_upload: number }>("GET", "/media/limits");

export const commands = {
  list: () => request<Items<T.Command>>("GET", "/commands"),
};

export const tags = {
  list: () => request<Items<T.TagCount>>("GET", "/tags"),
};

export const contacts = {
  search: (q: string, signal?: AbortSignal) =>
    request<T.Page<T.Contact>>("GET", "/contacts", { query: { q, limit: 20 }, signal }),
  update: (id: number, input: ContactInput) =>
    request<T.Contact>("PATCH", `/contacts/${id}`, { body: input }),
};

export const operators = {
  list: () => request<Items<T.OperatorFull>>("GET", "/operators"),
  create: (input: OperatorInput, key: string) =>
    request<{ operator: T.OperatorFull; invite_link: string | null }>("POST", "/operators", {
      body: input,
      key,
    }),
  update: (id: number, input: OperatorInput) =>
    request<unknown>("PATCH", `/operators/${id}`, { body: input }),
  link: (id: number) => request<{ invite_link: string }>("POST", `/operators/${id}/link`),
};

export const groups = {
  list: () => request<Items<T.GroupWithMembers>>("GET", "/groups"),
  create: (name: string, operatorIds: number[], key: string) =>
    request<T.GroupWithMembers>("POST", "/groups", { body: { name, operator_ids: operatorIds }, key }),
  update: (id: number, name: string, operatorIds: number[]) =>
    request<T.GroupWithMembers>("PATCH", `/groups/${id}`, { body: { name, operator_ids: operatorIds } }),
  remove: (id: number) => request<void>("DELETE", `/groups/${id}`),
};

export const widgets = {
  list: () => request<Items<T.Widget>>("GET", "/widgets"),
  get: (id: number) => request<T.Widget>("GET", `/widgets/${id}`),
  create: (input: T.WidgetInput, key: string) => request<T.Widget>("POST", "/widgets", { body: input, key }),
  update: (id: number, input: Partial<T.WidgetInput>) =>
    request<T.Widget>("PATCH", `/widgets/${id}`, { body: input }),
  setPresence: (id: number, presence: T.WidgetPresence) =>
    request<T.Widget>("POST", `/widgets/${id}/presence`, { body: { presence }, key: newKey() }),
  identitySecret: (id: number) => request<{ secret: string }>("POST", `/widgets/${id}/identity-secret`),
};

export const endpoints = {
  dialects: () => request<Items<T.Dialect>>("GET", "/dialects"),
  list: () => request<Items<T.Endpoint>>("GET", "/endpoints"),
  get: (id: number) => request<T.Endpoint>("GET", `/endpoints/${id}`),
  create: (input: T.EndpointInput, key: string) =>
    request<{ endpoint: T.Endpoint; secret: string }>("POST", "/endpoints", { body: input, key }),
  update: (id: number, input: Partial<T.EndpointInput>) =>
    request<T.Endpoint>("PATCH", `/endpoints/${id}`, { body: input }),
  remove: (id: number) => request<void>("DELETE", `/endpoints/${id}`),
  pause: (id: number) => request<unknown>("POST", `/endpoints/${id}/pause`),
  resume: (id: number, backlog: boolean) =>
    request<unknown>("POST", `/endpoints/${id}/resume`, { body: { backlog } }),
  test: (id: number, event: string) =>
    request<{ delivery_id: number }>("POST", `/endpoints/${id}/test`, {
      body: event ? { event } : {},
      key: newKey(),
    }),
  chart: (id: number, range: T.ChartRange) =>
    request<T.Chart>("GET", `/endpoints/${id}/chart`, { query: { range } }),
  rotateSecret: (id: number) => request<{ secret: string }>("POST", `/endpoints/${id}/rotate-secret`),
};

export const deliveries = {
  list: (query: Record<string, QueryValue>) => request<T.Page<T.Delivery>>("GET", "/deliveries", { query }),
  get: (id: number) => request<T.DeliveryDetail>("GET", `/deliveries/${id}`),
  replay: (id: number) =>
    request<{ delivery: T.Delivery }>("POST", `/deliveries/${id}/replay`, { key: newKey() }),
  revive: (id: number) =>
    request<{ delivery: T.Delivery }>("POST", `/deliveries/${id}/revive`, { key: newKey() }),
  /** Only counts; `again` with the same selection does it. */
  count: (what: "replay" | "revive", selection: T.DeliverySelection) =>
    request<T.DeliveryCount>("POST", `/deliveries/${what}`, { body: { ...selection, dry_run: true } }),
  again: (what: "replay" | "revive", selection: T.DeliverySelection, key: string) =>
    request<T.DeliveryCount>("POST", `/deliveries/${what}`, { body: { ...selection, dry_run: false }, key }),
};

export const tokens = {
  list: () => request<Items<T.Token>>("GET", "/tokens"),
  create: (name: string, scope: T.Token["scope"], key: string) =>
    request<{ token: T.Token; secret: string }>("POST", "/tokens", { body: { name, scope }, key }),
  revoke: (id: number) => request<void>("DELETE", `/tokens/${id}`),
};
