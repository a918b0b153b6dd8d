// The shapes of the HTTP contract, named as the contract names them.

export type Time = string;
export type ConversationStatus = "new" | "open" | "pending" | "ended";
export type Presence = "online" | "away" | "offline";
export type Role = "admin" | "operator";
export type SenderType = "contact" | "operator" | "bot" | "system";
export type MessageState = "pending" | "sent" | "delivered" | "read" | "failed";
export type EndReason = "operator" | "contact" | "timeout" | "rule" | "api";
/** What an entry of a thread is; feedback has its text as its body, a goal is an event. */
export type MessageType = "message" | "media" | "event" | "rating" | "feedback" | "survey";
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Named {
  id: number;
  name: string;
}

export type Group = Named;

export interface GroupWithMembers extends Group {
  operator_ids: number[];
}

export interface Sender {
  type: SenderType;
  id: number | null;
  name: string;
}

/** How satisfied a contact was with a session: 1 to 5, of which thumbs use only the two ends. */
export interface Rating {
  value: number;
  form: "stars" | "thumbs";
}

export interface SurveyAnswer {
  question: string;
  option: string;
}

export interface ThreadEvent {
  name: string;
  by?: Sender | null;
  operator?: Named | null;
  group?: Named | null;
  reason?: EndReason | null;
  rating?: Rating | null;
  survey?: SurveyAnswer | null;
  goal?: Named | null;
  channel?: Named | null;
}

export interface Message {
  id: number;
  conversation_id: number;
  session_id: number | null;
  number: number;
  ref: string;
  type: MessageType;
  note: boolean;
  sender: Sender;
  body: string;
  event: ThreadEvent | null;
  reference: number | null;
  client_id: string | null;
  sent_at: Time;
  state: MessageState;
  /** Why it is not delivered, or not yet; absent in what an older server sends, like all below. */
  state_code?: string | null;
  state_reason?: string | null;
  media?: Media | null;
  link?: LinkCard | null;
  edited_at?: Time | null;
  /** Answers that the contact may give with a click. */
  choices?: string[];
  deleted_at?: Time | null;
}

export type MediaKind = "image" | "audio" | "voice" | "video" | "pdf" | "file";

/** A file of a message. Its addresses work for about a week. */
export interface Media {
  id: number;
  kind: MediaKind;
  state: "stored" | "fetching" | "failed";
  name: string;
  content_type: string;
  /** Bytes, 0 while unknown. */
  size: number;
  width: number | null;
  height: number | null;
  duration_ms: number | null;
  /** Loudness of a voice message, 0 to 100 each. */
  peaks: number[];
  url: string | null;
  thumb_url: string | null;
  error: string | null;
}

export interface LinkCard {
  url: string;
  title: string;
  description: string;
  site: string;
  image_url: string | null;
}

/** A file that is on the server and that no message has taken yet. */
export interface Uploaded
  extends Pick<Media, "kind" | "name" | "content_type" | "size" | "url" | "thumb_url"> {
  key: string;
}

/** What a write to a message answers. */
export interface MessageAnswer {
  message: Message;
  conversation: Conversation;
}

export interface OperatorBrief {
  id: number;
  name: string;
  first_name: string;
  last_name: string;
  alias: string;
  email: string;
  image_url: string;
  status: Presence;
}

export interface OperatorFull extends OperatorBrief {
  username: string;
  lang: string;
  locale: string;
  timezone: string;
  role: Role;
  active: boolean;
  slots: number;
  availability: Presence;
  groups: Group[];
  open_conversations: number;
  created_at: Time;
}

export interface Contact {
  id: number;
  uuid: string;
  name: string;
  display_name: string;
  email: string;
  phone: string;
  external_id: string;
  custom: { [key: string]: Json };
  /** Free fields 01 to 03; absent in what an older server sends. */
  additional?: AdditionalField[];
  created_at: Time;
  updated_at: Time;
}

export interface AdditionalField {
  name: string;
  value: string;
}

export interface Visit {
  url: string;
  title: string;
  initial_url: string;
  referrer: string;
  user_agent: string;
  browser: string;
  browser_version: string;
  os: string;
  device: string;
  ip: string;
  page_impressions: number;
  visits: number;
  city?: string;
  country?: string;
  lat?: number | null;
  lon?: number | null;
  /** The website opened the messenger, not the visitor. */
  proactive?: boolean;
  /** Neither address nor place were kept. */
  private?: boolean;
}

export interface Session {
  id: number;
  number: number;
  started_at: Time;
  ended_at: Time | null;
  end_reason: EndReason | null;
  /** It began with the form that a widget shows while nobody is there. */
  offline?: boolean;
  visit: Visit | null;
  rating?: Rating | null;
  feedback?: string | null;
  survey?: SurveyAnswer | null;
  goal?: Named | null;
}

export interface LastMessage {
  number: number;
  body: string;
  sender_type: SenderType;
  sent_at: Time;
  type: MessageType;
  note: boolean;
}

export interface Channel {
  id: number | null;
  type: string;
  name: string;
}

export interface Conversation {
  id: number;
  uuid: string;
  status: ConversationStatus;
  channel: Channel;
  widget: Named | null;
  contact: Contact;
  group: Group | null;
  operator: OperatorBrief | null;
  topic: string;
  created_at: Time;
  ended_at: Time | null;
  updated_at: Time;
  /** Since when a message waits too long for an operator. */
  unanswered_at?: Time | null;
  last_message: LastMessage | null;
  message_count: number;
  operator_read: number;
  contact_delivered: number;
  contact_read: number;
  unread: number;
  session: Session | null;
  visit: Visit | null;
  custom: { [key: string]: Json };
  tags?: string[];
  /** Its data goes to the API add-on when its status changes. */
  flagged?: boolean;
  /** The value of the latest rating. */
  rating?: number | null;
}

export interface TagCount {
  tag: string;
  count: number;
}

export type ArgumentKind =
  | "none"
  | "text"
  | "operator"
  | "group"
  | "tag"
  | "topic"
  | "number"
  | "email"
  | "reply"
  | "question";

/** A command of the composer's line, without its prefix. */
export interface Command {
  name: string;
  aliases: string[];
  /** What stands behind the name, for people: "NAME". */
  args: string;
  help: string;
  argument: ArgumentKind;
  permission: Role;
}

export interface CommandAnswer {
  command: string;
  /** For the operator who asked, nobody else. */
  lines: string[];
  conversation: Conversation | null;
  message: Message | null;
}

export interface Counts {
  mine: number;
  unassigned: number;
  all: number;
  /** In which a message waits too long for an operator; absent in what an older server sends. */
  attention?: number;
}

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

export interface ConversationPage extends Page<Conversation> {
  seq: number;
  counts: Counts;
}

export interface MessagePage {
  items: Message[];
  has_more: boolean;
  seq: number;
}

export interface Me {
  operator: OperatorFull;
  seq: number;
  public_url: string;
  version: string;
  demo: boolean;
}

/** Whether visitors may chat: as the hours and the team say, never, or as the hours alone say. */
export type WidgetPresence = "auto" | "off" | "manual";

/** One opening of a week. Day 1 is Monday; times are HH:MM, the end up to 24:00. */
export interface Opening {
  day: number;
  from: string;
  to: string;
}

export interface Holiday {
  /** YYYY-MM-DD */
  date: string;
  name: string;
}

export interface OpeningHours {
  /** An IANA name such as Europe/Berlin. */
  timezone: string;
  openings: Opening[];
  holidays: Holiday[];
}

export interface Widget {
  id: number;
  key: string;
  name: string;
  lang: string;
  group_id: number | null;
  domains: string[];
  color: string;
  position: "left" | "right";
  title: string;
  subtitle: string;
  greeting: string;
  theme: "auto" | "light" | "dark";
  session_timeout_seconds: number;
  identity_required: boolean;
  has_identity_secret: boolean;
  active: boolean;
  created_at: Time;
  updated_at: Time;
  snippet: string;
  /** Absent in what an older server sends, like all below. */
  presence?: WidgetPresence;
  /** null: always open. */
  hours?: OpeningHours | null;
  offline_form?: boolean;
  /** After how long a message without an answer is told; 0: never. */
  unanswered_seconds?: number;
  transcript_hook?: "" | "end" | "review";
  show_visitors?: boolean;
  open_now?: boolean;
  /** null while it is open, and when no opening comes within two weeks. */
  opens_at?: Time | null;
}

export type WidgetInput = Pick<
  Widget,
  | "name"
  | "lang"
  | "group_id"
  | "domains"
  | "color"
  | "position"
  | "title"
  | "subtitle"
  | "greeting"
  | "theme"
  | "session_timeout_seconds"
  | "identity_required"
  | "active"
> &
  Partial<
    Pick<Widget, "hours" | "offline_form" | "unanswered_seconds" | "transcript_hook" | "show_visitors">
  >;

export interface EndpointStats {
  pending: number;
  dead: number;
  lag_seconds: number;
  last_status: number | null;
  last_attempt_at: Time | null;
  breaker: "closed" | "open" | "half_open";
  /** Since when nothing has been accepted; null while it works. */
  failing_since: Time | null;
}

export type Treatment = "keep" | "hash" | "remove";

/** What becomes of personal data in the calls of an endpoint. */
export interface Policy {
  name: Treatment;
  email: Treatment;
  ip: Treatment;
  text: Treatment;
}

export interface Endpoint {
  id: number;
  name: string;
  url: string;
  dialect: string;
  dialect_version: string;
  /** Empty lists mean all. */
  events: string[];
  widgets: number[];
  groups: number[];
  headers: { [name: string]: string };
  state: "active" | "paused" | "gone";
  state_reason: string;
  has_secret: boolean;
  in_flight_limit: number;
  /** Calls per second; 0 means no limit. */
  rate_limit: number;
  timeout_seconds: number;
  success: "dialect" | "2xx";
  /** null: every private range that the server allows. */
  private_ranges: string[] | null;
  policy: Policy;
  /** What of its dialect is switched on. Absent in what an older server sends, like the hook. */
  switches?: string[];
  /** Set when it is one of a widget's webhooks. */
  hook?: { widget_id: number; hook: string } | null;
  created_at: Time;
  updated_at: Time;
  stats: EndpointStats;
}

export type EndpointInput = Pick<
  Endpoint,
  | "name"
  | "url"
  | "dialect"
  | "dialect_version"
  | "events"
  | "widgets"
  | "groups"
  | "timeout_seconds"
  | "in_flight_limit"
  | "rate_limit"
  | "success"
  | "private_ranges"
  | "policy"
  | "switches"
> & { headers?: { [name: string]: string } };

export type ChartRange = "1h" | "24h" | "7d";

export interface ChartPoint {
  at: Time;
  delivered: number;
  failed: number;
  mean_ms: number;
  max_ms: number;
  max_lag_seconds: number;
}

export interface Chart {
  step_seconds: number;
  points: ChartPoint[];
}

export interface DialectEvent {
  name: string;
  title: string;
  description: string;
  /** The versions that tell it; null or absent: every one. */
  versions?: string[] | null;
}

/** Something that an endpoint of a dialect can have otherwise. */
export interface DialectSwitch {
  name: string;
  title: string;
  description: string;
}

export interface Dialect {
  name: string;
  title: string;
  /** What a new endpoint is pinned to. */
  version: string;
  /** Newest last. */
  versions: string[];
  success: string;
  events: DialectEvent[];
  /** Absent in what an older server sends. */
  switches?: DialectSwitch[];
}

export type DeliveryState = "pending" | "delivered" | "dead" | "dropped";

export interface Delivery {
  id: number;
  webhook_id: string;
  /** null for what goes to a channel, and for mails. */
  endpoint_id: number | null;
  channel_id?: number | null;
  /** Of a mail: the widget whose mail it is. */
  widget_id?: number | null;
  event: { id: number; seq: number; type: string };
  event_name: string;
  conversation_id: number | null;
  state: DeliveryState;
  attempts: number;
  next_attempt_at: Time | null;
  created_at: Time;
  delivered_at: Time | null;
  last_status: number | null;
  last_error: string;
  replay_of: number | null;
}

export interface Attempt {
  number: number;
  started_at: Time;
  duration_ms: number;
  status: number | null;
  error: string;
  response_headers: { [name: string]: string };
  response_body: string;
  outcome: "delivered" | "retry" | "dead";
  retry_at: Time | null;
}

/** Which deliveries are meant when many are sent again at once. */
export interface DeliverySelection {
  endpoint_id: number;
  state?: DeliveryState;
  event_name?: string;
  conversation_id?: number;
  event_id?: number;
  from?: Time;
  to?: Time;
}

export interface DeliveryCount {
  count: number;
  dry_run: boolean;
}

export interface DeliveryDetail extends Delivery {
  request: { url: string; headers: { [name: string]: string }; body: string };
  attempt_log: Attempt[];
}

export interface Token {
  id: number;
  name: string;
  scope: "read" | "write" | "admin";
  prefix: string;
  created_at: Time;
  last_used_at: Time | null;
  created_by: Json;
}

export interface EventData {
  conversation?: Partial<Conversation> & { id: number };
  session?: Session;
  message?: Message;
  contact?: Contact;
  operator?: OperatorFull;
  group?: GroupWithMembers;
  widget?: Widget;
  by?: string;
  status_previous?: Presence;
}

export interface Event {
  type: string;
  timestamp: Time;
  seq: number;
  data: EventData;
}

export interface Viewer {
  id: number;
  name: string;
  typing: boolean;
}

export type ServerFrame =
  | { type: "welcome"; seq: number; heartbeat_seconds: number }
  | { type: "event"; event: Event }
  | {
      type: "typing";
      conversation_id: number;
      by: Sender;
      text: string | null;
      ttl_seconds: number;
    }
  | { type: "viewing"; conversation_id: number; operators: Viewer[] }
  | { type: "resync"; reason: string }
  | { type: "error"; code: string; detail: string }
  | { type: "ping" };

export type ClientFrame =
  | { type: "hello"; after: number | null; presence: boolean }
  | { type: "pong" }
  | { type: "typing"; conversation_id: number }
  | { type: "viewing"; conversation_id: number | null };

export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  field?: string;
  errors?: { field: string; code: string; detail: string }[];
  request_id?: string;
}
