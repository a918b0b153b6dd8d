// What needs an admin's attention: endpoints and channels that fail or stand still, calls that were given up, and mails
// that wait or failed. It is worked out from how they stand now; the events of the feed only say when to look again.

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

interface MailWay {
  state: "unset" | "ok" | "failing";
  reason: string;
  waiting: number;
  /** Of each widget, whichever way its mails go. */
  widgets?: { widget_id: number; name: string; state: "ok" | "waiting" | "failing"; reason: string }[];
}

/** The newest mail that was given up or refused. */
interface FailedMail {
  id: number;
  receiver: string;
  reason: string;
}

/** A mail server that is not there is nobody's trouble until a mail waits for it. */
export function mailTroublesOf(server: MailWay | undefined, failed: FailedMail | undefined): Trouble[] {
  const found: Trouble[] = [];
  const waits = server ? `${server.waiting} ${server.waiting === 1 ? "mail waits" : "mails wait"}` : "";
  if (server?.state === "failing") {
    const text = server.waiting > 0 ? `Failing, and ${waits}` : "Failing";
    found.push({ key: "mail", mark: "failing", name: "Mail server", text, to: "/settings/mail" });
  } else if (server?.state === "unset" && server.waiting > 0) {
    const text = `${waits}: no mail server is set up`;
    found.push({ key: "mail", mark: "unset", name: "E-mail", text, to: "/settings/mail" });
  }
  for (const { widget_id, name, state, reason } of server?.widgets ?? []) {
    // What the mail server explains is told once, not for each widget.
    const told = server?.state !== "ok" && (reason === server?.reason || reason.startsWith("no mail server"));
    if (state === "ok" || told) continue;
    found.push({
      key: `mail:widget:${widget_id}`,
      mark: state,
      name,
      text: state === "waiting" ? sentence(`Its mails wait: ${reason}`) : "Its mails do not arrive",
      to: `/settings/widgets/${widget_id}/advanced`,
    });
  }
  if (failed) {
    found.push({
      key: "mail:failed",
      mark: String(failed.id),
      name: failed.receiver,
      text: sentence(`A mail was not sent: ${failed.reason || "given up"}`),
      to: "/settings/mail/mails?state=failed",
    });
  }
  return found;
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

/** Those that are new. Fewer calls given up than were seen once are nothing new, nor is an older mail. */
export function unseen(troubles: Trouble[], seen: Seen): Trouble[] {
  return troubles.filter(({ key, mark }) => {
    const before = seen[key];
    if (before === undefined) return true;
    return /:(dead|failed)$/.test(key) ? Number(mark) > Number(before) : mark !== before;
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
  "mail.failed",
];

/** An event of the feed about the way out itself. */
export interface OperationalEvent {
  type: string;
  data: {
    endpoint?: { name: string; reason?: string };
    channel?: { name: string; reason?: string };
    mail?: { reason?: string };
    days?: number;
  };
}

/** The notice for what has just happened, in one line however many events there are. */
export function noticeOf(events: OperationalEvent[]): string {
  const [first] = events;
  if (!first) return "";
  const { type, data } = first;
  const name = data.endpoint?.name ?? data.channel?.name ?? "A receiver";
  const reason = (data.endpoint ?? data.channel ?? data.mail)?.reason ?? "";
  const same = events.every(
    (each) => each.type === type && (each.data.endpoint?.name ?? each.data.channel?.name) === name,
  );
  if (events.every((each) => each.type === "mail.failed")) {
    return events.length === 1
      ? `A mail was not sent. ${sentence(reason)}`.trim()
      : `${events.length} mails were not sent.`;
  }
  if (!same)
    return `${events.length} notices about endpoints, channels and mails. The list is beside Settings.`;
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
