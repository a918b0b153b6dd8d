import type { EndpointStats } from "../api/types.ts";
import { dayAndTime, lasting } from "../app/clock.ts";

const DAY = 86_400_000;
/** The server warns after these days without a success, once each, and pauses after the last. */
const WARNED = [1, 3];
const PAUSED = 5;

/** A way out, be it an endpoint or a channel: whether it is used, why not, and how it does. */
export interface WayOut {
  state: "active" | "paused" | "gone";
  state_reason: string;
  stats: EndpointStats;
}

export interface Standing {
  label: string;
  tone: "good" | "warn" | "bad";
  /** What there is to say beyond the label; nothing while all is well. */
  story: string[];
}

/** The server gives reasons without a capital and a full stop. */
export function sentence(text: string): string {
  const trimmed = text.trim().replace(/\.$/, "");
  return trimmed && `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}.`;
}

function nth(days: number): string {
  return days === 1 ? "the first day" : `day ${days}`;
}

/** How an endpoint or a channel stands, in words. */
export function standingOf(way: WayOut, now: number): Standing {
  const { state, stats } = way;
  const since = stats.failing_since;
  const failing = since === null ? 0 : Math.max(0, now - Date.parse(since));
  const reason = sentence(way.state_reason);

  if (state === "gone") {
    return {
      label: "Gone",
      tone: "bad",
      story: [
        "The receiver wants no more calls.",
        ...(reason ? [reason] : []),
        "Events wait in order until you resume.",
      ],
    };
  }
  if (state === "paused") {
    // An operator's name stands in the reason of a pause by hand; every other pause is the server's.
    const byHand = !reason || /^Paused by /i.test(reason);
    const story = [reason];
    if (!byHand && since !== null) story.push(`The failures began ${dayAndTime(since)}.`);
    return {
      label: byHand ? "Paused" : "Paused by the server",
      tone: byHand ? "warn" : "bad",
      story: [...story.filter(Boolean), "Events wait in order until you resume."],
    };
  }
  if (since !== null) {
    const story = [`Nothing has been accepted for ${lasting(failing / 1000)}, since ${dayAndTime(since)}.`];
    if (stats.breaker === "open") story.push("Calls are held back; one at a time is tried.");
    if (stats.breaker === "half_open") story.push("One call is being tried now.");
    const warned = WARNED.filter((days) => failing >= days * DAY).at(-1);
    if (warned) story.push(`The warning of ${nth(warned)} was given.`);
    story.push(
      `Without a success it is paused on ${dayAndTime(new Date(Date.parse(since) + PAUSED * DAY).toISOString())}.`,
    );
    return { label: "Failing", tone: warned ? "bad" : "warn", story };
  }
  if (stats.breaker === "open") {
    return {
      label: "Failing",
      tone: "bad",
      story: ["The receiver keeps failing. Calls are held back; one at a time is tried."],
    };
  }
  if (stats.breaker === "half_open") {
    return {
      label: "Recovering",
      tone: "warn",
      story: ["The receiver failed. One call is being tried; when it is accepted the others follow."],
    };
  }
  return { label: "Active", tone: "good", story: [] };
}
