// The action that is under way. It belongs to the app, not to the table: who opens a conversation meanwhile does not stop it.

import { useSyncExternalStore } from "react";
import { BASE } from "../app/router.tsx";
import { toast } from "../design/toasts.tsx";
import { type BulkOrder, table } from "./api.ts";
import { resultLine, runBulk, type Tally } from "./bulk.ts";

export interface Run {
  order: BulkOrder;
  tally: Tally;
  stopping: boolean;
}

let current: Run | null = null;
/** Counts the runs and the people: what belongs to an earlier one is over. */
let turn = 0;
const listeners = new Set<() => void>();

function publish(next: Run | null): void {
  current = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useRun(): Run | null {
  return useSyncExternalStore(subscribe, () => current);
}

const warn = (event: BeforeUnloadEvent) => event.preventDefault();

/** Nothing happens while another one is under way. */
export async function startRun(order: BulkOrder, ids: number[]): Promise<void> {
  if (current && !current.tally.finished) return;
  turn += 1;
  const mine = turn;
  window.addEventListener("beforeunload", warn);
  publish({
    order,
    stopping: false,
    tally: {
      total: ids.length,
      done: 0,
      unchanged: 0,
      failures: [],
      left: ids,
      halted: null,
      finished: false,
    },
  });
  const tally = await runBulk(order, ids, {
    send: table.bulk,
    wait: (milliseconds) => new Promise((resolve) => window.setTimeout(resolve, milliseconds)),
    stopped: () => mine !== turn || current?.stopping === true,
    tell: (next) => mine === turn && current && publish({ ...current, tally: next }),
  });
  window.removeEventListener("beforeunload", warn);
  if (mine !== turn) return;
  if (!location.pathname.startsWith(`${BASE}/conversations`)) toast(resultLine(order.action, tally));
}

export function stopRun(): void {
  if (current) publish({ ...current, stopping: true });
}

/** Who signs out leaves nothing to the next one at this page: what is under way stops, and its result is not shown. */
export function leaveRun(): void {
  turn += 1;
  publish(null);
}

export function dismissRun(): void {
  if (current?.tally.finished) publish(null);
}
