// The routes behind mails to contacts and the audit log, and their shapes as the contract names them.

import { newKey, type QueryValue, request } from "../api/client.ts";
import type { Contact, Delivery, DeliveryDetail, Page, Time } from "../api/types.ts";

export type MailKind = "transcript" | "missed" | "reauth";
export type MailState = "queued" | "sent" | "failed" | "dropped";
export type Tls = "starttls" | "tls" | "none";

/** The mail server of the installation, without its secrets. */
export interface MailServer {
  host: string;
  port: number;
  tls: Tls;
  username: string;
  has_password: boolean;
  from_email: string;
  from_name: string;
  reply_to: string;
  /** Mails in a minute; 0 means no limit. */
  per_minute: number;
  dkim: {
    domain: string;
    selector: string;
    has_key: boolean;
    /** What the DNS has to say; null without a key. */
    record: string | null;
  };
  state: "unset" | "ok" | "failing";
  reason: string;
  /** Mails that are not sent yet, of all widgets without a callback. */
  waiting: number;
  widgets: WidgetMailState[];
}

/** How the mails of a widget do, whichever way they go. */
export interface WidgetMailState {
  widget_id: number;
  name: string;
  state: "ok" | "waiting" | "failing";
  reason: string;
  waiting: number;
  /** Given up in the last 24 hours. */
  failed: number;
}

export type MailServerInput = Partial<
  Pick<
    MailServer,
    "host" | "port" | "tls" | "username" | "from_email" | "from_name" | "reply_to" | "per_minute"
  >
> & {
  /** An empty secret is taken away; one that is left out stays. */
  password?: string;
  dkim?: { domain?: string; selector?: string; private_key?: string; generate?: boolean };
};

export const TEXT_NAMES = [
  "transcript_subject",
  "transcript_intro",
  "missed_subject",
  "missed_intro",
  "reauth_subject",
  "reauth_intro",
  "footer",
] as const;

export type TextName = (typeof TEXT_NAMES)[number];
export type MailTexts = Record<TextName, string>;

/** What a widget says of mails. */
export interface WidgetMail {
  inbound_url: string;
  custom_email_api: {
    enabled: boolean;
    url: string;
    has_token: boolean;
    token_hint: string | null;
    context_as_text: boolean;
  };
  transcript_on_end: boolean;
  transcript_offer: boolean;
  sign_in: boolean;
  /** 0 means never. */
  missed_after_seconds: number;
  from_name: string;
  logo_url: string;
  /** Empty where the default counts. */
  texts: MailTexts;
  default_texts: MailTexts;
  state: "ok" | "waiting" | "failing";
  reason: string;
}

export type WidgetMailInput = Pick<
  WidgetMail,
  | "inbound_url"
  | "transcript_on_end"
  | "transcript_offer"
  | "sign_in"
  | "missed_after_seconds"
  | "from_name"
  | "logo_url"
  | "texts"
> & {
  custom_email_api: { enabled: boolean; url: string; token?: string; context_as_text: boolean };
};

/** How a test went; status is what was answered, of HTTP or SMTP. */
export interface Tested {
  ok: boolean;
  status: number | null;
  took_ms: number;
  detail: string;
}

export interface WrittenMail {
  subject: string;
  html: string;
  text: string;
}

export interface Mail {
  id: number;
  kind: MailKind;
  state: MailState;
  reason: string;
  receiver: string;
  widget_id: number;
  conversation_id: number | null;
  contact_id: number;
  /** "operator:3", "contact:11", "token:2" or "system". */
  asked_by: string;
  created_at: Time;
  done_at: Time | null;
  /** null once the log does not reach back so far. */
  delivery_id: number | null;
}

/** An address that a mail server refused for good. */
export interface MailProblem {
  address: string;
  reason: string;
  at: Time;
}

export interface AuditEntry {
  id: number;
  at: Time;
  action: string;
  by: string;
  subject: string;
  detail: string;
}

export const mail = {
  server: () => request<MailServer>("GET", "/mail/server"),
  setServer: (input: MailServerInput) => request<MailServer>("PATCH", "/mail/server", { body: input }),
  removeServer: () => request<void>("DELETE", "/mail/server"),
  testServer: (to: string) => request<Tested>("POST", "/mail/server/test", { body: { to }, key: newKey() }),
  ofWidget: (id: number) => request<WidgetMail>("GET", `/widgets/${id}/mail`),
  setOfWidget: (id: number, input: Partial<WidgetMailInput>) =>
    request<WidgetMail>("PATCH", `/widgets/${id}/mail`, { body: input }),
  testCallback: (id: number) => request<Tested>("POST", `/widgets/${id}/mail/test`, { key: newKey() }),
  preview: (id: number, kind: MailKind, texts: MailTexts, signal?: AbortSignal) =>
    request<WrittenMail>("POST", `/widgets/${id}/mail/preview`, { body: { kind, texts }, signal }),
  list: (query: Record<string, QueryValue>) => request<Page<Mail>>("GET", "/mails", { query }),
  /** Without a receiver it goes to the contact's own address. */
  transcript: (conversation: number, receiver: string | undefined, key: string) =>
    request<Mail>("POST", `/conversations/${conversation}/transcript`, {
      body: receiver === undefined ? {} : { receiver },
      key,
    }),
  contact: (id: number) => request<Contact & { mail_problem?: MailProblem | null }>("GET", `/contacts/${id}`),
};

export const mailDeliveries = {
  list: (query: Record<string, QueryValue>) => request<Page<Delivery>>("GET", "/mail/deliveries", { query }),
  get: (id: number) => request<DeliveryDetail>("GET", `/mail/deliveries/${id}`),
  replay: (id: number) =>
    request<{ delivery: Delivery }>("POST", `/mail/deliveries/${id}/replay`, { key: newKey() }),
  revive: (id: number) =>
    request<{ delivery: Delivery }>("POST", `/mail/deliveries/${id}/revive`, { key: newKey() }),
};

export const audit = {
  list: (cursor: string | null) =>
    request<Page<AuditEntry>>("GET", "/audit", { query: { limit: 50, cursor } }),
};
