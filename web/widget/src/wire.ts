// What the server says and hears (visitor API). Names are the server's.

export type Availability = "online" | "away" | "offline";
export type MessageState = "sent" | "delivered" | "read";

export interface WidgetSettings {
  id: number;
  key: string;
  name: string;
  lang: string;
  color: string;
  position: "right" | "left";
  title: string;
  subtitle: string;
  greeting: string;
  theme: "auto" | "light" | "dark";
}

export interface Person {
  name: string;
  image_url: string;
}

export interface WidgetAnswer {
  widget: WidgetSettings;
  availability: Availability;
  operators: Person[];
  identity_required: boolean;
  /** What visitors are asked when a conversation has ended. */
  rating_form: "" | "stars" | "thumbs";
  ask_feedback: boolean;
  survey: { question: string; options: string[] } | null;
  /** Bytes a file may have; 0 or nothing = no files. */
  max_upload?: number;
  /** Where a conversation can go on. */
  channels?: Channel[];
  /** Visitors can sign in by mail. */
  sign_in?: boolean;
  /** They can have a conversation sent to them by mail. */
  transcripts?: boolean;
  /** While nobody is there, who has no open conversation is asked for a message and an address. */
  offline_form?: boolean;
  /** When somebody is there again, as far as the hours tell; null while they are running or unknown. */
  opens_at?: string | null;
  /** The team sees who is on the site. */
  show_visitors?: boolean;
}

/** An operator has written to somebody who has not. */
export interface Invitation extends Answering {
  body: string;
  operator: Person;
  created_at: string;
}

/** What a message shows that answers it. */
export interface Answering {
  id: number;
  secret: string;
}

/** The answer to a page that says it is there. */
export interface HereAnswer {
  key: string;
  invitation: Invitation | null;
}

/** Who the site says a visitor is; nobody has checked it. */
export interface Claim {
  id: string;
  traits: Record<string, unknown>;
}

/** A message that was left while nobody was there. */
export interface OfflineRequest {
  client_id: string;
  name: string;
  email: string;
  message: string;
  claimed?: Claim;
  visit: Visit;
}

export interface OfflineAnswer {
  token: string | null;
  contact: Contact;
  conversation_id: number;
}

export interface Channel {
  id: number;
  name: string;
  type: string;
}

/** A file of a message. */
export interface Media {
  kind: "image" | "audio" | "voice" | "video" | "pdf" | "file";
  state: "stored" | "fetching" | "failed";
  name: string;
  content_type: string;
  size: number;
  width: number | null;
  height: number | null;
  duration_ms: number | null;
  /** Loudness over the time, 0 to 100. */
  peaks: readonly number[];
  /** null while it is not stored. */
  url: string | null;
  thumb_url: string | null;
  error: string | null;
}

/** The answer to an upload. */
export type Uploaded = Omit<Media, "state" | "error"> & { key: string };

/** What the page behind the first address of a text says about itself. */
export interface LinkCard {
  url: string;
  title: string;
  description: string;
  site: string;
  image_url: string | null;
}

export interface Contact {
  id: number;
  uuid: string;
  name: string;
  email: string;
  phone: string;
  custom: Record<string, unknown>;
}

export interface EventNote {
  name: string;
  by?: { type: string; id: number | null; name: string } | null;
  operator?: { id?: number; name: string } | null;
  group?: { id: number; name: string } | null;
  reason?: string | null;
  rating?: { value: number; form: string } | null;
  survey?: { question: string; option: string } | null;
  channel?: { name: string } | null;
}

export interface Message {
  id: number;
  conversation_id: number;
  number: number;
  type: "message" | "media" | "event" | "rating" | "feedback" | "survey";
  sender: { type: "contact" | "operator" | "bot" | "system"; name: string; image_url: string };
  body: string;
  event: EventNote | null;
  client_id: string | null;
  sent_at: string;
  state: MessageState;
  media?: Media | null;
  link?: LinkCard | null;
  edited_at?: string | null;
  deleted_at?: string | null;
  /** Answers that can be given with one click. */
  choices?: string[];
}

export interface Conversation {
  id: number;
  status: "new" | "open" | "pending" | "ended";
  created_at: string;
  ended_at: string | null;
  updated_at: string;
  operator: Person | null;
  last_message: Message | null;
  message_count: number;
  unread: number;
  contact_read: number;
  operator_read: number;
  contact_delivered: number;
  /** Of the latest session: the value, and whether something was written and answered. */
  rating: number | null;
  feedback: boolean;
  survey: boolean;
  /** These are asked for once it has ended; not where an operator has ended it so. */
  asks: boolean;
  channel?: { type: string; name: string } | null;
  /** It goes on elsewhere, out of this browser's sight. */
  moved?: boolean;
}

export interface ContactFields {
  name?: string;
  email?: string;
  phone?: string;
  /** The free fields 01 to 03; null leaves one as it is. */
  additional?: (Additional | null)[];
}

export interface Additional {
  name: string;
  value: string;
}

export interface Visit {
  url: string;
  title: string;
  initial_url: string;
  referrer: string;
  page_impressions: number;
  visits: number;
  /** The page opened the messenger, not the visitor. */
  proactive: boolean;
}

export interface SendRequest {
  client_id: string;
  body: string;
  /** The key of an upload. */
  media?: string | null;
  conversation_id: number | null;
  reopen: boolean;
  contact?: ContactFields;
  custom?: Record<string, unknown>;
  claimed?: Claim;
  /** It is the answer to this. */
  invitation?: Answering;
  visit: Visit;
}

export interface SendAnswer {
  token: string | null;
  contact: Contact;
  conversation: Conversation;
  message: Message;
  duplicate: boolean;
}

/** The answer to a proof of who one is. */
export interface Entered {
  token: string;
  contact: Contact;
}

/** The same, by the link or the code of a mail. */
export interface SignedIn extends Entered {
  conversation_id: number | null;
}

/** A browser in which the contact is signed in. */
export interface Device {
  id: string;
  browser: string;
  os: string;
  created_at: string;
  seen_at: string;
  /** This one. */
  current: boolean;
  /** Signed in by mail. */
  mailed: boolean;
}

export interface Snapshot {
  contact: Contact;
  conversations: Conversation[];
  seq: number;
}

export interface MessagePage {
  items: Message[];
  has_more: boolean;
  seq: number;
}

export type SocketFrame =
  | { type: "welcome"; seq: number; heartbeat_seconds: number }
  | { type: "message"; seq: number; conversation: Conversation; message: Message }
  | { type: "message_updated"; seq: number; conversation: Conversation; message: Message }
  | { type: "conversation"; seq: number; conversation: Conversation; message: Message | null }
  | { type: "contact"; seq: number; contact: Contact }
  | { type: "availability"; availability: Availability }
  | {
      type: "typing";
      conversation_id: number;
      by: { type: string; id: number | null; name: string };
      ttl_seconds: number;
    }
  | { type: "error"; code: string; detail: string };
