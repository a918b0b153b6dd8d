// Ending a conversation waits five seconds, so that one key cannot do harm.

import { useSyncExternalStore } from "react";
import { asApiError } from "../api/error.ts";
import { conversations } from "../api/routes.ts";
import { dismissToast, toast } from "../design/toasts.tsx";
import type { Live } from "../realtime/live.ts";

export const UNDO_MILLISECONDS = 5000;

const ending = new Map<number, { timer: number; notice: number }>();
const listeners = new Set<() => void>();

function publish(): void {
  for (const listener of listeners) listener();
}

export function useEnding(conversationId: number): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => ending.has(conversationId),
  );
}

export function undoEnd(conversationId: number): void {
  const entry = ending.get(conversationId);
  if (!entry) return;
  window.clearTimeout(entry.timer);
  dismissToast(entry.notice);
  ending.delete(conversationId);
  publish();
}

export function endSoon(live: Live, conversationId: number, name: string): void {
  if (ending.has(conversationId)) return;
  const timer = window.setTimeout(() => {
    void conversations
      .end(conversationId)
      .then((conversation) => live.adopt(conversation))
      .catch((cause) => toast(`Not ended: ${asApiError(cause).detail}`))
      .finally(() => {
        ending.delete(conversationId);
        publish();
      });
  }, UNDO_MILLISECONDS);
  const notice = toast(`Ending the conversation with ${name}`, {
    milliseconds: UNDO_MILLISECONDS,
    action: { label: "Undo", run: () => undoEnd(conversationId) },
  });
  ending.set(conversationId, { timer, notice });
  publish();
}

// Who closes the page after pressing End means it.
window.addEventListener("pagehide", () => {
  for (const [id, entry] of ending) {
    window.clearTimeout(entry.timer);
    void conversations.end(id, true).catch(() => {});
  }
  ending.clear();
});
