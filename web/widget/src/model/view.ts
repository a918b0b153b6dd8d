import type { Conversation, EventNote, Message } from "../wire";
import type { Attached } from "./outbox";
import type { State } from "./state";
import { emptyThread, isSaid } from "./thread";

// What the screen shows, derived from the state.

export type BubbleState = "sending" | "sent" | "delivered" | "read" | "failed";

export interface Bubble {
  kind: "bubble";
  key: string;
  number: number | null;
  own: boolean;
  bot: boolean;
  name: string;
  image: string;
  body: string;
  at: string;
  state: BubbleState;
  clientId: string | null;
  /** More than words: what the part of the screen for files shows. */
  rich: Rich | null;
  /** First and last of a run by the same sender. */
  first: boolean;
  last: boolean;
}

export interface Rich extends Pick<Message, "link" | "edited_at" | "deleted_at"> {
  media?: Message["media"] | Attached;
}

export type Row =
  | Bubble
  | { kind: "day"; key: string; at: string }
  | { kind: "event"; key: string; number: number; event: EventNote };

/** Messages further apart than this do not belong to one group. */
const GROUP_GAP = 5 * 60_000;

const sameGroup = (a: Bubble, b: Bubble): boolean =>
  a.own === b.own && a.name === b.name && Math.abs(Date.parse(b.at) - Date.parse(a.at)) < GROUP_GAP;

/** What every bubble begins as. */
const alone = { kind: "bubble" as const, bot: false, name: "", image: "", first: true, last: true };

function bubbleOf(message: Message): Bubble {
  const { sender } = message;
  const own = sender.type === "contact";
  return {
    ...alone,
    // The client id keeps the bubble in place when it turns from waiting to stored.
    key: message.client_id ?? `m${message.id}`,
    number: message.number,
    own,
    bot: sender.type === "bot",
    name: own ? "" : sender.name,
    image: sender.image_url,
    body: message.body,
    at: message.sent_at,
    state: message.state,
    clientId: message.client_id,
    rich: message.media || message.link || message.edited_at || message.deleted_at ? message : null,
  };
}

const localDay = (at: string): string => new Date(at).toDateString();

export function rowsOf(state: State): Row[] {
  const { conversationId } = state;
  const thread = (conversationId !== null && state.threads[conversationId]) || emptyThread;
  const rows: Row[] = [];
  let previous: Bubble | null = null;
  let day = "";

  const put = (row: Exclude<Row, { kind: "day" }>, at: string) => {
    const today = localDay(at);
    if (today !== day) {
      day = today;
      previous = null;
      rows.push({ kind: "day", key: `d${today}`, at });
    }
    if (row.kind === "event") previous = null;
    else {
      if (previous && sameGroup(previous, row)) {
        previous.last = false;
        row.first = false;
      }
      previous = row;
    }
    rows.push(row);
  };

  for (const message of thread.messages) {
    // A feedback is something that the visitor said.
    if (isSaid(message) || message.type === "feedback") put(bubbleOf(message), message.sent_at);
    else if (message.event && message.event.name !== "goal") {
      const { type, name } = message.sender;
      const by = message.event.by ?? (type === "system" ? null : { type, id: null, name });
      put(
        { kind: "event", key: `m${message.id}`, number: message.number, event: { ...message.event, by } },
        message.sent_at,
      );
    }
  }
  for (const item of state.outbox) {
    if (item.conversationId !== conversationId) continue;
    put(
      {
        ...alone,
        key: item.clientId,
        number: null,
        own: true,
        body: item.body,
        at: item.writtenAt,
        state: item.state,
        clientId: item.clientId,
        rich: item.media ? { media: item.media } : null,
      },
      item.writtenAt,
    );
  }
  return rows;
}

export const unreadOf = (conversations: readonly Conversation[]): number =>
  conversations.reduce((sum, one) => sum + one.unread, 0);

export const currentOf = (state: State): Conversation | null =>
  state.conversations.find((one) => one.id === state.conversationId) ?? null;

/** Nothing can be written there without more ado. */
export const isOver = ({ status, moved }: Conversation): boolean => status === "ended" || moved === true;

/** A conversation goes on, or the visitor is about to begin one. */
const isTalking = ({ conversations, outbox, invitation }: State): boolean =>
  !conversations.every(isOver) || outbox.length > 0 || Boolean(invitation);

/** The answers that the newest message offers, until the visitor has written something. */
export function choicesOf(state: State): readonly string[] {
  const { conversationId, outbox, threads } = state;
  const current = currentOf(state);
  if (!current || isOver(current) || outbox.some((item) => item.conversationId === conversationId)) return [];
  return threads[current.id]?.messages.findLast(isSaid)?.choices ?? [];
}

/** Nobody is there, so that a new conversation begins with the form. */
export const isAway = (state: State): boolean =>
  Boolean(state.answer.offline_form) &&
  state.availability === "offline" &&
  state.settled &&
  !(state.answer.identity_required && !state.signedIn) &&
  !isTalking(state);

/** Where the panel opens: what is unread, else what goes on, else the last one; null = start writing. */
export function landing(conversations: readonly Conversation[]): number | null {
  const found =
    conversations.find((one) => one.unread > 0) ??
    conversations.find((one) => !isOver(one)) ??
    conversations[0];
  return found?.id ?? null;
}
