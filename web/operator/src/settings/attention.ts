// What needs an admin's attention: endpoints and channels that fail or stand still, and calls that were given up. It is
// worked out from how they stand now; the events of the feed only say when to look again.

import { sentence, standingOf, type WayOut } from "./standing.ts";

export type WayKind = "endpoints" | "channels";

export interface NamedWay extends WayOut {
  id: number;
  name: string;
}

export interface Trouble {
  /** What it is about; the same trouble has the same key for ever. */
  key: string;
  /** How bad it was when it was looked at: it counts as new when this changes. */
  mark: string;
  name: string;
  text: string;
  to: string;
}

export function troublesOf(kind: WayKind, ways: NamedWay[], now: number): Trouble[] {
  return ways.flatMap((way) => {
    const found: Trouble[] = [];
    const { label, tone } = standingOf(way, now);
    const home = `/settings/${kind}/${way.id}`;
    // A pause by hand is nobody's trouble.
    const byHand = label === "Paused";
    if (tone !== "good" && !byHand) {
      found.push({
        key: `${kind}:${way.id}`,
        mark: way.state === "active" ? `failing:${way.stats.failing_since ?? ""}` : way.state,
        name: way.name,
        text: label,
        to: home,
      });
    }
    if (way.stats.dead > 0) {
      found.push({
        key: `${kind}:${way.id}:dead`,
        mark: String(way.stats.dead),
        name: way.name,
        text: way.stats.dead === 1 ? "1 call was given up" : `${way.stats.dead} calls were given up`,
        to: kind === "channels" ? `${home}/outbound?state=dead` : `${home}?state=dead`,
      });
    }
    return found;
  });
}

/** What was seen: by key, the mark that it had then. */
export type Seen = Record<string, string>;

export function readSeen(stored: string | null): Seen {
  try {
    const read: unknown = JSON.parse(stored ?? "{}");
    if (typeof read !== "object" || read === null || Array.isArray(read)) return {};
    return Object.fromEntries(Object.entries(read).filter(([, mark]) => typeof mark === "string"));
  } catch {
    return {};
  }
}

/** Those that are new. Fewer calls given up than were seen once are nothing new. */
export function unseen(troubles: Trouble[], seen: Seen): Trouble[] {
  return troubles.filter(({ key, mark }) => {
    const before = seen[key];
    if (before === undefined) return true;
    return key.endsWith(":dead") ? Number(mark) > Number(before) : mark !== before;
  });
}

/** All of these are seen now. What is no trouble any more is forgotten, so that it counts when it comes back. */
export function seeAll(troubles: Trouble[]): Seen {
  return Object.fromEntries(troubles.map(({ key, mark }) => [key, mark]));
}

export const OPERATIONAL = [
  "endpoint.failing",
  "endpoint.paused",
  "delivery.dead",
  "channel.failing",
  "channel.paused",
];

/** An event of the feed about the way out itself. */
export interface OperationalEvent {
  type: string;
  data: {
    endpoint?: { name: string; reason?: string };
    channel?: { name: string; reason?: string };
    days?: number;
  };
}

/** The notice for what has just happened, in one line however many events there are. */
export function noticeOf(events: OperationalEvent[]): string {
  const [first] = events;
  if (!first) return "";
  const { type, data } = first;
  const name = data.endpoint?.name ?? data.channel?.name ?? "A receiver";
  const reason = (data.endpoint ?? data.channel)?.reason ?? "";
  const same = events.every(
    (each) => each.type === type && (each.data.endpoint?.name ?? each.data.channel?.name) === name,
  );
  if (!same) return `${events.length} notices about endpoints and channels. The list is beside Settings.`;
  if (type === "delivery.dead") {
    return events.length === 1
      ? `${name}: a call was given up.`
      : `${name}: ${events.length} calls were given up.`;
  }
  if (type.endsWith(".paused")) return `${name} was paused. ${sentence(reason)}`.trim();
  const days = data.days ?? 0;
  const since = days > 0 ? ` for ${days} ${days === 1 ? "day" : "days"}` : "";
  return `${name}: nothing has been accepted${since}. ${sentence(reason)}`.trim();
}
