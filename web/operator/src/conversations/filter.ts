// What the table of all conversations is narrowed to. It lives in the address, so that a filtered table can be kept and
// sent to a colleague; times are in UTC there, because the colleague's clock may run elsewhere.

import type { ConversationStatus } from "../api/types.ts";
import { positive, stampFrom } from "../app/stamps.ts";

export type RatingChoice = "1" | "2" | "3" | "4" | "5" | "none";

export interface TableFilter {
  /** Empty: every status, the ended ones too. */
  statuses: ConversationStatus[];
  /** "website" or the id of a channel. */
  channel: string | null;
  widget: number | null;
  group: number | null;
  /** "none": those that nobody has. */
  operator: number | "none" | null;
  tags: string[];
  ratings: RatingChoice[];
  /** Begun at this time or later. */
  from: string | null;
  /** Begun before this time. */
  to: string | null;
  /** What is looked for in messages, names and addresses. */
  words: string;
}

export const NO_FILTER: TableFilter = {
  statuses: [],
  channel: null,
  widget: null,
  group: null,
  operator: null,
  tags: [],
  ratings: [],
  from: null,
  to: null,
  words: "",
};

export const STATUSES: ConversationStatus[] = ["new", "open", "pending", "ended"];
export const RATINGS: RatingChoice[] = ["5", "4", "3", "2", "1", "none"];

/** The server's limits: more is not sent, so that an address somebody made up is not refused. */
const MAX_TAGS = 20;
const MAX_WORDS = 200;

/** Those of the known ones that are asked for, each once and in the order in which they are known. */
function among<Value extends string>(known: Value[], asked: string[]): Value[] {
  return known.filter((value) => asked.includes(value));
}

export function readFilter(query: URLSearchParams): TableFilter {
  const channel = query.get("channel");
  const operator = query.get("operator");
  const tags = query.getAll("tag").filter((tag) => tag.trim() !== "");
  return {
    statuses: among(STATUSES, query.getAll("status")),
    channel: channel && /^(website|[1-9]\d{0,14})$/.test(channel) ? channel : null,
    widget: positive(query.get("widget")),
    group: positive(query.get("group")),
    operator: operator === "none" ? "none" : positive(operator),
    tags: [...new Set(tags)].slice(0, MAX_TAGS),
    ratings: among(RATINGS, query.getAll("rating")),
    from: stampFrom(query.get("from")),
    to: stampFrom(query.get("to")),
    words: (query.get("q") ?? "").slice(0, MAX_WORDS),
  };
}

/** The filter as the address keeps it: the same filter is always the same text. */
export function writeFilter(filter: TableFilter): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string | number | null) => {
    if (value !== null && value !== "") query.append(name, String(value));
  };
  put("q", filter.words.trim());
  for (const status of among(STATUSES, filter.statuses)) put("status", status);
  put("channel", filter.channel);
  put("widget", filter.widget);
  put("group", filter.group);
  put("operator", filter.operator);
  for (const tag of filter.tags) put("tag", tag);
  for (const rating of among(RATINGS, filter.ratings)) put("rating", rating);
  put("from", filter.from);
  put("to", filter.to);
  return query.toString();
}

/** The filter as the API takes it. */
export function asParameters(filter: TableFilter): string {
  const query = new URLSearchParams();
  const statuses = among(STATUSES, filter.statuses);
  query.set("status", (statuses.length > 0 ? statuses : STATUSES).join(","));
  if (filter.operator === "none") query.set("view", "unassigned");
  else if (filter.operator !== null) query.set("operator_id", String(filter.operator));
  if (filter.channel !== null) query.set("channel", filter.channel);
  if (filter.widget !== null) query.set("widget_id", String(filter.widget));
  if (filter.group !== null) query.set("group_id", String(filter.group));
  for (const tag of filter.tags) query.append("tag", tag);
  for (const rating of among(RATINGS, filter.ratings)) query.append("rating", rating);
  if (filter.from !== null) query.set("from", filter.from);
  if (filter.to !== null) query.set("to", filter.to);
  if (filter.words.trim() !== "") query.set("q", filter.words.trim());
  return query.toString();
}

export function isNarrowed(filter: TableFilter): boolean {
  return writeFilter(filter) !== "";
}

/** An end that is not after the beginning: nothing can match, and the server would refuse the question. */
export function isBackwards({ from, to }: TableFilter): boolean {
  return from !== null && to !== null && from >= to;
}
