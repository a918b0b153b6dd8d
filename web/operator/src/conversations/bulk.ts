// One action over many conversations: in parts, one after the other, with a stop between any two of them. A part whose
// answer was lost is sent again under the same key, so that nothing is done twice.

import { newKey } from "../api/client.ts";
import { ApiError, asApiError } from "../api/error.ts";
import type { BulkAction, BulkOrder, BulkResult } from "./api.ts";

/** The most that are sent at once. */
export const LARGEST_PART = 50;
const SMALLEST_PART = 10;
const TRIES = 4;

/** What cannot become better with the next conversation. */
const ADDON_MISSING = "addon.missing";

export interface Failure {
  id: number;
  code: string;
  detail: string;
}

export interface Tally {
  total: number;
  done: number;
  unchanged: number;
  failures: Failure[];
  /** Those that were never asked for, because somebody stopped or because it made no sense to go on. */
  left: number[];
  /** Why it did not go on. */
  halted: ApiError | null;
  finished: boolean;
}

/** Ten steps, so that there is something to see and to stop; never more at once than the server is asked for. */
export function partsOf(ids: number[]): number[][] {
  const size = Math.min(LARGEST_PART, Math.max(SMALLEST_PART, Math.ceil(ids.length / 10)));
  const parts: number[][] = [];
  for (let at = 0; at < ids.length; at += size) parts.push(ids.slice(at, at + size));
  return parts;
}

export function handled(tally: Tally): number {
  return tally.done + tally.unchanged + tally.failures.length;
}

export function isAddonMissing(tally: Tally): boolean {
  return tally.halted !== null && tally.halted.code === ADDON_MISSING;
}

export interface Means {
  send: (order: BulkOrder, ids: number[], key: string) => Promise<{ results: BulkResult[] }>;
  wait: (milliseconds: number) => Promise<void>;
  stopped: () => boolean;
  tell: (tally: Tally) => void;
}

async function sendPart(order: BulkOrder, part: number[], means: Means): Promise<BulkResult[]> {
  const key = newKey();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await means.send(order, part, key)).results;
    } catch (cause) {
      const error = asApiError(cause);
      if (!error.transient || attempt === TRIES) throw error;
      await means.wait(error.retryAfter ? error.retryAfter * 1000 : 400 * 2 ** attempt);
      if (means.stopped()) throw error;
    }
  }
}

export async function runBulk(order: BulkOrder, ids: number[], means: Means): Promise<Tally> {
  let tally: Tally = {
    total: ids.length,
    done: 0,
    unchanged: 0,
    failures: [],
    left: ids,
    halted: null,
    finished: false,
  };
  for (const part of partsOf(ids)) {
    if (means.stopped()) break;
    try {
      const results = await sendPart(order, part, means);
      const failures = results
        .filter((each) => !each.ok)
        .map(({ id, code, detail }) => ({ id, code: code ?? "", detail: detail ?? "" }));
      const hopeless = failures.find((each) => each.code === ADDON_MISSING);
      tally = {
        ...tally,
        done: tally.done + results.filter((each) => each.ok && each.changed).length,
        unchanged: tally.unchanged + results.filter((each) => each.ok && !each.changed).length,
        failures: [...tally.failures, ...failures],
        left: tally.left.slice(part.length),
        halted: hopeless ? new ApiError(409, hopeless.code, hopeless.detail) : null,
      };
    } catch (cause) {
      tally = { ...tally, halted: asApiError(cause) };
    }
    means.tell(tally);
    if (tally.halted) break;
  }
  tally = { ...tally, finished: true };
  means.tell(tally);
  return tally;
}

const DONE: Record<BulkAction, string> = {
  send: "flagged",
  unsend: "taken back",
  end: "ended",
  reopen: "reopened",
  assign: "assigned",
  forward: "forwarded",
  tag: "tagged",
  untag: "untagged",
  transcript: "mailed",
};

const DOING: Record<BulkAction, string> = {
  send: "Flagging",
  unsend: "Taking back",
  end: "Ending",
  reopen: "Reopening",
  assign: "Assigning",
  forward: "Forwarding",
  tag: "Tagging",
  untag: "Untagging",
  transcript: "Mailing",
};

function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** "48 flagged, 2 unchanged, 0 failed", and what was left out. */
export function resultLine(action: BulkAction, tally: Tally): string {
  const parts = [
    `${count(tally.done)} ${DONE[action]}`,
    `${count(tally.unchanged)} unchanged`,
    `${count(tally.failures.length)} failed`,
  ];
  if (tally.left.length > 0) parts.push(`${count(tally.left.length)} left out`);
  return parts.join(", ");
}

export function progressLine(action: BulkAction, tally: Tally): string {
  return `${DOING[action]} ${count(handled(tally))} of ${count(tally.total)}`;
}
