import type { Availability, Contact, Conversation, Invitation, Message, WidgetAnswer } from "../wire";
import { type Outbox, retarget, without } from "./outbox";
import { addMessage, addOlder, emptyThread, raiseStates, setNewest, type Thread, trim } from "./thread";

// Everything the messenger knows, and the only ways it changes.

export type Screen = "thread" | "list" | "account";

export interface State {
  answer: WidgetAnswer;
  availability: Availability;
  contact: Contact | null;
  conversations: readonly Conversation[];
  threads: Readonly<Record<number, Thread>>;
  outbox: Outbox;
  typing: { conversationId: number; name: string } | null;
  open: boolean;
  screen: Screen;
  /** The conversation on the screen; null = a new one, not written yet. */
  conversationId: number | null;
  /** The first snapshot has come (or there is nothing to fetch). */
  settled: boolean;
  /** The line has been down long enough to say so. */
  lineLost: boolean;
  connected: boolean;
  signedIn: boolean;
  /** What is asked above the composer: whether to end the conversation, or where to go on with it. */
  ending: "no" | "asked" | "busy" | "failed" | "move";
  /** In by a link that was not asked for here: it is said who the visitor is now. */
  welcome?: boolean;
  /** An operator has written first; there is no conversation before the visitor answers. */
  invitation?: Invitation | null;
  /** Counts up when another tab changed a draft. */
  drafts: number;
}

export type Change =
  | { do: "patch"; patch: Partial<State> }
  | { do: "snapshot"; contact: Contact; conversations: readonly Conversation[] }
  | { do: "conversation"; conversation: Conversation; message: Message | null }
  | { do: "newest"; id: number; page: readonly Message[]; hasMore: boolean }
  | { do: "older"; id: number; page: readonly Message[]; hasMore: boolean }
  | { do: "read"; id: number; number: number }
  | { do: "trim" }
  | { do: "forget" };

export const initialState = (answer: WidgetAnswer): State => ({
  answer,
  availability: answer.availability,
  contact: null,
  conversations: [],
  threads: {},
  outbox: [],
  typing: null,
  open: false,
  screen: "thread",
  conversationId: null,
  settled: false,
  lineLost: false,
  connected: false,
  signedIn: false,
  ending: "no",
  drafts: 0,
});

/** Two views of one conversation: the later one counts, but what was read or delivered stays so. */
export function mergeConversation(known: Conversation | undefined, incoming: Conversation): Conversation {
  if (!known) return incoming;
  const later = incoming.updated_at >= known.updated_at ? incoming : known;
  const contactRead = Math.max(known.contact_read, incoming.contact_read);
  const [was, is] = [known.last_message, incoming.last_message];
  return {
    ...later,
    // Of two views of one message the news counts: it may have been changed.
    last_message: was && (!is || was.number > is.number) ? was : is,
    message_count: Math.max(known.message_count, incoming.message_count),
    contact_read: contactRead,
    operator_read: Math.max(known.operator_read, incoming.operator_read),
    contact_delivered: Math.max(known.contact_delivered, incoming.contact_delivered),
    unread: contactRead >= later.message_count || contactRead > later.contact_read ? 0 : later.unread,
  };
}

const byActivity = (a: Conversation, b: Conversation): number =>
  a.updated_at < b.updated_at ? 1 : a.updated_at > b.updated_at ? -1 : b.id - a.id;

function putConversation(state: State, incoming: Conversation): State {
  const known = state.conversations.find((one) => one.id === incoming.id);
  const merged = mergeConversation(known, incoming);
  const others = state.conversations.filter((one) => one.id !== incoming.id);
  const thread = state.threads[incoming.id];
  const messages = thread && raiseStates(thread.messages, merged.operator_read);
  return {
    ...state,
    conversations: [...others, merged].sort(byActivity),
    threads:
      thread && messages && messages !== thread.messages
        ? { ...state.threads, [incoming.id]: { ...thread, messages } }
        : state.threads,
  };
}

/**
 * A stored message takes the place of the one waiting in the outbox. If that one waited for a conversation that
 * did not exist yet, this is the conversation: for the rest of the outbox and for the screen. It does not matter
 * whether the answer of the request or the line brings the news first.
 */
function putMessage(state: State, message: Message): State {
  const id = message.conversation_id;
  const thread = state.threads[id] ?? emptyThread;
  const next = addMessage(thread, message);
  const silent = message.sender.type === "contact" || state.typing?.conversationId !== id;
  const item = message.client_id && state.outbox.find((one) => one.clientId === message.client_id);
  if (!item && next === thread && silent) return state;
  const after: State = {
    ...state,
    typing: silent ? state.typing : null,
    threads: { ...state.threads, [id]: next },
  };
  if (!item) return after;
  after.outbox = without(state.outbox, item.clientId);
  if (item.conversationId !== id) {
    after.outbox = retarget(after.outbox, item.conversationId, id);
    if (state.conversationId === item.conversationId) after.conversationId = id;
  }
  return after;
}

function putThread(state: State, id: number, thread: Thread): State {
  const operatorRead = state.conversations.find((one) => one.id === id)?.operator_read ?? 0;
  const sent = new Set(thread.messages.map((message) => message.client_id));
  return {
    ...state,
    // A reload may find messages that were sent just before it.
    outbox: state.outbox.some((item) => sent.has(item.clientId))
      ? state.outbox.filter((item) => !sent.has(item.clientId))
      : state.outbox,
    threads: { ...state.threads, [id]: { ...thread, messages: raiseStates(thread.messages, operatorRead) } },
  };
}

export function reduce(state: State, change: Change): State {
  switch (change.do) {
    case "patch":
      return { ...state, ...change.patch };
    case "snapshot": {
      const conversations = change.conversations.map((one) =>
        mergeConversation(
          state.conversations.find((known) => known.id === one.id),
          one,
        ),
      );
      return {
        ...state,
        contact: change.contact,
        conversations: conversations.sort(byActivity),
        settled: true,
      };
    }
    case "conversation": {
      const next = change.message ? putMessage(state, change.message) : state;
      return putConversation(next, change.conversation);
    }
    case "newest":
      return putThread(
        state,
        change.id,
        setNewest(state.threads[change.id] ?? emptyThread, change.page, change.hasMore),
      );
    case "older":
      return putThread(
        state,
        change.id,
        addOlder(state.threads[change.id] ?? emptyThread, change.page, change.hasMore),
      );
    case "read": {
      const known = state.conversations.find((one) => one.id === change.id);
      if (!known || known.contact_read >= change.number) return state;
      const next = { ...known, contact_read: change.number, unread: 0 };
      return { ...state, conversations: state.conversations.map((one) => (one === known ? next : one)) };
    }
    case "trim": {
      const threads = Object.entries(state.threads).map(([id, thread]) => [id, trim(thread)]);
      return { ...state, threads: Object.fromEntries(threads) };
    }
    case "forget":
      return {
        ...initialState(state.answer),
        availability: state.availability,
        open: state.open,
        settled: true,
      };
  }
}
