import type { Message } from "../api/types.ts";

/** What of a thread stands in a transcript. Notes and events are for operators and come along only when asked for. */
export function transcriptLines(messages: Message[], inside: boolean): Message[] {
  return messages.filter((message) => inside || (!message.note && message.type !== "event"));
}
