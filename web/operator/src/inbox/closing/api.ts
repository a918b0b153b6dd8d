// Ways out of a conversation beside its plain end.

import { newKey, request } from "../../api/client.ts";
import type { Conversation } from "../../api/types.ts";

/** Ends it; no transcript goes out and the contact is asked nothing. */
export const discard = (id: number) =>
  request<Conversation>("POST", `/conversations/${id}/discard`, { key: newKey() });

/** Sends the transcript to the widget's webhook, with words that go along. */
export const sendToWebhook = (id: number, extra: string[], key: string) =>
  request<unknown>("POST", `/conversations/${id}/webhook`, { body: { extra }, key });
