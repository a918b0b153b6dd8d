// What the delivery log is narrowed to. It lives in the address, so that a filtered log can be sent to a colleague; times
// are in UTC there, because the colleague's clock may run elsewhere.

import type { DeliverySelection, DeliveryState } from "../api/types.ts";
import { dayAndTime } from "../app/clock.ts";
import { positive, stampFrom } from "../app/stamps.ts";

export interface LogFilter {
  endpoint: number | null;
  /** A channel's calls instead of an endpoint's. */
  channel: number | null;
  state: DeliveryState | null;
  event: string | null;
  conversation: number | null;
  /** The number of one event of the feed. */
  eventId: number | null;
  /** Inclusive. */
  from: string | null;
  /** Exclusive. */
  to: string | null;
}

export const STATE_NAMES: Record<DeliveryState, string> = {
  pending: "Waiting",
  delivered: "Delivered",
  dead: "Given up",
  dropped: "Dropped",
};

const NAMES: Record<keyof LogFilter, string> = {
  endpoint: "endpoint",
  channel: "channel",
  state: "state",
  event: "event",
  conversation: "conversation",
  eventId: "event_id",
  from: "from",
  to: "to",
};

export function readFilter(query: URLSearchParams): LogFilter {
  const state = query.get(NAMES.state);
  return {
    endpoint: positive(query.get(NAMES.endpoint)),
    channel: positive(query.get(NAMES.channel)),
    state: state !== null && Object.hasOwn(STATE_NAMES, state) ? (state as DeliveryState) : null,
    event: query.get(NAMES.event) || null,
    conversation: positive(query.get(NAMES.conversation)),
    eventId: positive(query.get(NAMES.eventId)),
    from: stampFrom(query.get(NAMES.from)),
    to: stampFrom(query.get(NAMES.to)),
  };
}

/** The address's query after the change. What is not of the filter stays as it is. */
export function writeFilter(query: URLSearchParams, change: Partial<LogFilter>): string {
  const next = new URLSearchParams(query);
  for (const [field, value] of Object.entries(change) as [keyof LogFilter, string | number | null][]) {
    if (value === null) next.delete(NAMES[field]);
    else next.set(NAMES[field], String(value));
  }
  return next.toString();
}

export const NO_FILTER: LogFilter = {
  endpoint: null,
  channel: null,
  state: null,
  event: null,
  conversation: null,
  eventId: null,
  from: null,
  to: null,
};

export function isNarrowed(filter: LogFilter): boolean {
  return Object.entries(filter).some(
    ([field, value]) => field !== "endpoint" && field !== "channel" && value !== null,
  );
}

/** An end that is not after the beginning: no call can match, and the server would refuse the question. */
export function isBackwards({ from, to }: LogFilter): boolean {
  return from !== null && to !== null && from >= to;
}

/** The filter as the API names it, without what is not set. */
export function asParameters(filter: LogFilter): Omit<DeliverySelection, "endpoint_id"> & {
  endpoint_id?: number;
  channel_id?: number;
} {
  return {
    ...(filter.endpoint !== null && { endpoint_id: filter.endpoint }),
    ...(filter.channel !== null && { channel_id: filter.channel }),
    ...(filter.state !== null && { state: filter.state }),
    ...(filter.event !== null && { event_name: filter.event }),
    ...(filter.conversation !== null && { conversation_id: filter.conversation }),
    ...(filter.eventId !== null && { event_id: filter.eventId }),
    ...(filter.from !== null && { from: filter.from }),
    ...(filter.to !== null && { to: filter.to }),
  };
}

/** The filter as a person reads it before it is acted upon. */
export function inWords(filter: LogFilter, endpointName: string): [string, string][] {
  const lines: [string, string][] = [["Endpoint", endpointName]];
  if (filter.state) lines.push(["State", STATE_NAMES[filter.state]]);
  if (filter.event) lines.push(["Event", filter.event]);
  if (filter.conversation) lines.push(["Conversation", String(filter.conversation)]);
  if (filter.eventId) lines.push(["Event number", String(filter.eventId)]);
  if (filter.from && filter.to)
    lines.push(["Made", `${dayAndTime(filter.from)} to ${dayAndTime(filter.to)}`]);
  else if (filter.from) lines.push(["Made", `since ${dayAndTime(filter.from)}`]);
  else if (filter.to) lines.push(["Made", `before ${dayAndTime(filter.to)}`]);
  else lines.push(["Made", "at any time that the log reaches back"]);
  return lines;
}
