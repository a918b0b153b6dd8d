import { request } from "../api/client.ts";
import { conversations } from "../api/routes.ts";
import type { Conversation, Message } from "../api/types.ts";

const PAGE = 200;
/** More than anybody reads or prints; what is older is left out, and the page says so. */
const MOST = 5000;

export interface WholeTranscript {
  conversation: Conversation;
  /** In order, with notes and events. */
  messages: Message[];
  /** The oldest ones are missing. */
  cut: boolean;
}

/** A conversation by its UUID with everything that was said in it. */
export async function loadTranscript(uuid: string, signal?: AbortSignal): Promise<WholeTranscript> {
  const conversation = await request<Conversation>("GET", "/conversations/by-uuid", {
    query: { uuid },
    signal,
  });
  let messages: Message[] = [];
  for (;;) {
    const before = messages[0]?.number;
    const page = await conversations.messages(conversation.id, { before, limit: PAGE }, signal);
    messages = [...page.items, ...messages];
    if (!page.has_more || page.items.length === 0) return { conversation, messages, cut: false };
    if (messages.length >= MOST) return { conversation, messages, cut: true };
  }
}
