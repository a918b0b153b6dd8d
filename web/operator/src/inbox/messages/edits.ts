// The message that is being rewritten, in place of what is written new. The draft waits meanwhile.

import { useSyncExternalStore } from "react";
import type { Message } from "../../api/types.ts";

export interface Edit {
  message: Message;
  text: string;
}

const edits = new Map<number, Edit>();
const listeners = new Set<() => void>();

function publish(): void {
  for (const listener of listeners) listener();
}

export function beginEdit(message: Message): void {
  edits.set(message.conversation_id, { message, text: message.body });
  publish();
}

export function writeEdit(edit: Edit, text: string): void {
  edits.set(edit.message.conversation_id, { ...edit, text });
  publish();
}

export function endEdit(conversationId: number): void {
  edits.delete(conversationId);
  publish();
}

export function useEdit(conversationId: number): Edit | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => edits.get(conversationId),
  );
}

/** Words can be taken back by whoever wrote them: not what a contact said, nor what an event says. */
export function isOwn(message: Message, me: number): boolean {
  return (
    message.sender.type === "operator" &&
    message.sender.id === me &&
    (message.type === "message" || message.type === "media") &&
    !message.deleted_at
  );
}
