import type * as T from "../api/types.ts";
import type {
  ConversationSnapshot,
  CountsSnapshot,
  ListFilter,
  ListSnapshot,
  ThreadSnapshot,
} from "./snapshots.ts";

export function matches(filter: ListFilter, conversation: T.Conversation, me: number): boolean {
  if (filter.contactId !== undefined && conversation.contact.id !== filter.contactId) return false;
  if (!filter.statuses.includes(conversation.status)) return false;
  if (filter.view === "mine") return conversation.operator?.id === me;
  if (filter.view === "unassigned") return conversation.operator === null;
  if (filter.view === "attention") return Boolean(conversation.unanswered_at);
  return true;
}

/** Newest activity first; the id settles a tie, as on the server. */
export function newerFirst(a: T.Conversation, b: T.Conversation): number {
  if (a.updated_at !== b.updated_at) return a.updated_at < b.updated_at ? 1 : -1;
  return b.id - a.id;
}

function asLast(message: T.Message): T.LastMessage {
  return {
    number: message.number,
    body: message.body || (message.media?.name ?? ""),
    sender_type: message.sender.type,
    sent_at: message.sent_at,
    type: message.type,
    note: message.note,
  };
}

/** The watermarks of both, each at its highest: reading never goes back, whichever of the two is newer. */
function highest(known: Partial<T.Conversation> | undefined, sent: Partial<T.Conversation>) {
  const contactRead = Math.max(sent.contact_read ?? 0, known?.contact_read ?? 0);
  return {
    operator_read: Math.max(sent.operator_read ?? 0, known?.operator_read ?? 0),
    contact_read: contactRead,
    contact_delivered: Math.max(sent.contact_delivered ?? 0, known?.contact_delivered ?? 0, contactRead),
  };
}

/**
 * The conversation after the answer to a write. Events behind the write may have come before its answer: the
 * contact reads a message within milliseconds, and reading leaves updated_at as it is.
 */
export function withAnswer(known: T.Conversation, answer: T.Conversation): T.Conversation {
  const next = { ...known, ...answer, ...highest(known, answer) };
  if (next.operator_read >= next.message_count) next.unread = 0;
  return next;
}

/**
 * The conversation after the event, or undefined when the event does not touch it. An event's conversation may
 * lack what only a list needs (unread, last line): that is carried over or worked out here.
 */
export function afterEvent(known: T.Conversation | undefined, event: T.Event): T.Conversation | undefined {
  const { conversation: sent, message, contact, operator } = event.data;
  if (sent && (known === undefined || known.id === sent.id)) {
    if (known === undefined && (sent.contact === undefined || sent.status === undefined)) return undefined;
    const next = { ...known, ...sent } as T.Conversation;
    const count = Math.max(sent.message_count ?? 0, message?.number ?? 0, known?.message_count ?? 0);
    next.message_count = count;
    Object.assign(next, highest(known, sent));
    const last = sent.last_message ?? known?.last_message ?? null;
    next.last_message = message && (!last || message.number >= last.number) ? asLast(message) : last;
    if (typeof sent.unread === "number") {
      next.unread = sent.unread;
    } else if (event.type === "message.received") {
      next.unread = (known?.unread ?? 0) + 1;
    } else {
      next.unread = known?.unread ?? 0;
    }
    if (next.operator_read >= count) next.unread = 0;
    // Ratings, surveys and goals stand on the session, which not every event's conversation brings along.
    const { session } = event.data;
    if (session && session.number >= (next.session?.number ?? 0))
      next.session = { ...(next.session?.id === session.id ? next.session : undefined), ...session };
    if (known && sent.contact?.id === known.contact.id) next.contact = { ...known.contact, ...sent.contact };
    next.visit = next.session?.visit ?? next.visit ?? null;
    return next;
  }
  if (!known) return undefined;
  let next = known;
  if (contact && contact.id === known.contact.id && event.type.startsWith("contact.")) {
    next = { ...next, contact: { ...known.contact, ...contact } };
  }
  if (operator && known.operator?.id === operator.id && event.type.startsWith("operator.")) {
    next = { ...next, operator };
  }
  return next === known ? undefined : next;
}

function insertionPoint(items: T.Conversation[], conversation: T.Conversation): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = items[middle];
    if (at && newerFirst(at, conversation) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function applyToList(
  list: ListSnapshot,
  event: T.Event,
  filter: ListFilter,
  me: number,
  elsewhere?: T.Conversation,
): ListSnapshot {
  if (event.seq <= list.seq) return list;
  const id = event.data.conversation?.id;
  let items = list.items;
  if (id !== undefined) {
    const index = items.findIndex((item) => item.id === id);
    const before = index >= 0 ? items[index] : elsewhere;
    const after = afterEvent(before, event);
    if (after) {
      items = items.slice();
      if (index >= 0) items.splice(index, 1);
      if (matches(filter, after, me)) {
        const at = insertionPoint(items, after);
        // Behind the last loaded row of an unfinished list its place is not known: a later page brings it.
        if (at < items.length || list.nextCursor === null || index >= 0) items.splice(at, 0, after);
      }
    }
  } else if (event.data.contact || event.data.operator) {
    let changed = false;
    const next = items.map((item) => {
      const after = afterEvent(item, event);
      if (after) changed = true;
      return after ?? item;
    });
    if (changed) items = next;
  }
  return { ...list, items, seq: event.seq };
}

export function applyToConversation(snapshot: ConversationSnapshot, event: T.Event): ConversationSnapshot {
  if (event.seq <= snapshot.seq) return snapshot;
  const after = afterEvent(snapshot.conversation, event);
  return { seq: event.seq, conversation: after ?? snapshot.conversation };
}

const RANK: Record<T.MessageState, number> = { failed: -1, pending: 0, sent: 1, delivered: 2, read: 3 };

/**
 * The state only grows. A message that failed may be sent again, and one that arrived has not failed: unless an event
 * says so, for the other side of a channel can refuse what it took before, whatever the marks let it look like. Later
 * events put right what an older one took back.
 */
function settledState(known: T.Message, sent: T.Message, told: boolean): T.Message {
  const past = known.state === "failed" ? -1 : RANK[known.state];
  const stays = sent.state === "failed" ? past > RANK.sent && !told : RANK[sent.state] < past;
  return stays
    ? { ...sent, state: known.state, state_code: known.state_code, state_reason: known.state_reason }
    : sent;
}

/**
 * A message after something newer or older came for it: a page of the thread may have overtaken the events before it.
 * What is deleted stays deleted, the latest text and a file that is there stay, and the state only grows. `told` marks
 * what came with an event about the message.
 */
export function settled(known: T.Message, sent: T.Message, told = false): T.Message {
  if (known.deleted_at && !sent.deleted_at) return known;
  let next = settledState(known, sent, told);
  if (!next.deleted_at && (known.edited_at ?? "") > (next.edited_at ?? ""))
    next = { ...next, body: known.body, link: known.link, edited_at: known.edited_at };
  if (known.media?.state === "stored" && next.media && next.media.state !== "stored")
    next = { ...next, media: known.media };
  return next;
}

/** Puts a message at its place; the same number replaces what was there. For `told` see `settled`. */
export function withMessage(items: T.Message[], message: T.Message, told = false): T.Message[] {
  const last = items.at(-1);
  if (!last || message.number > last.number) return [...items, message];
  const index = items.findIndex((item) => item.number >= message.number);
  const next = items.slice();
  const known = items[index];
  if (known?.number === message.number) next[index] = settled(known, message, told);
  else next.splice(index, 0, message);
  return next;
}

/**
 * Shows what a write made of a message that is known already. One that has changed since came as an event, which is
 * never older than the answer.
 */
export function withChanged(items: T.Message[], before: T.Message, after: T.Message): T.Message[] {
  return items.map((item) => (item === before ? after : item));
}

/** Puts a message in that a write made. One with its number came as an event, which is never older than the answer. */
export function withAnsweredMessage(items: T.Message[], message: T.Message): T.Message[] {
  return items.some((item) => item.number === message.number) ? items : withMessage(items, message);
}

export function applyToThread(
  thread: ThreadSnapshot,
  event: T.Event,
  conversationId: number,
): ThreadSnapshot {
  if (event.seq <= thread.seq) return thread;
  const message = event.data.message;
  if (!message || message.conversation_id !== conversationId) return { ...thread, seq: event.seq };
  const first = thread.items[0];
  const last = thread.items.at(-1);
  // A line older than what is loaded belongs to a page that has not been asked for.
  if (first && message.number < first.number && thread.hasMore) return { ...thread, seq: event.seq };
  const gap = thread.gap || message.number > (last?.number ?? 0) + 1;
  const items = withMessage(thread.items, message, event.type === "message.updated");
  return { ...thread, items, seq: event.seq, gap };
}

type Counted = Pick<T.Conversation, "status" | "operator" | "unanswered_at">;

function share(conversation: Counted | undefined, me: number): Required<T.Counts> {
  if (!conversation || conversation.status === "ended")
    return { mine: 0, unassigned: 0, all: 0, attention: 0 };
  return {
    mine: conversation.operator?.id === me ? 1 : 0,
    unassigned: conversation.operator ? 0 : 1,
    all: 1,
    attention: conversation.unanswered_at ? 1 : 0,
  };
}

/** What ends an alarm. */
const SILENCING = ["message.sent", "conversation.ended"];

/** The counts after a conversation went from one state to another. */
export function shiftCounts(
  counts: T.Counts,
  before: Counted | undefined,
  after: Counted | undefined,
  me: number,
): T.Counts {
  const out = share(before, me);
  const into = share(after, me);
  return {
    mine: Math.max(0, counts.mine - out.mine + into.mine),
    unassigned: Math.max(0, counts.unassigned - out.unassigned + into.unassigned),
    all: Math.max(0, counts.all - out.all + into.all),
    attention: Math.max(0, (counts.attention ?? 0) - out.attention + into.attention),
  };
}

export function applyToCounts(
  snapshot: CountsSnapshot,
  event: T.Event,
  me: number,
  before: T.Conversation | undefined,
): CountsSnapshot {
  if (event.seq <= snapshot.seq) return snapshot;
  const { counts, uncertain } = snapshot;
  const sent = event.data.conversation;
  if (!sent) return { ...snapshot, seq: event.seq };
  const after = afterEvent(before, event);
  if (before || event.type === "conversation.created" || event.type === "conversation.reopened") {
    return { seq: event.seq, counts: shiftCounts(counts, before, after, me), uncertain };
  }
  // Whether the alarm of one that is not known rang before is not known either.
  const silenced = (counts.attention ?? 0) > 0 && SILENCING.includes(event.type);
  if (event.type === "conversation.ended" && after) {
    // Ending changes neither operator nor group: it was counted where it would be now.
    return {
      seq: event.seq,
      counts: shiftCounts(counts, { ...after, status: "open" }, after, me),
      uncertain: uncertain || silenced,
    };
  }
  const unsure = event.type === "conversation.assigned" || event.type === "conversation.unanswered";
  return { seq: event.seq, counts, uncertain: uncertain || unsure || silenced };
}

export function applyToOperators(items: T.OperatorFull[], event: T.Event): T.OperatorFull[] {
  const operator = event.data.operator;
  if (!operator || !event.type.startsWith("operator.")) return items;
  const index = items.findIndex((item) => item.id === operator.id);
  if (index < 0) return [...items, operator];
  const next = items.slice();
  next[index] = { ...items[index], ...operator };
  return next;
}

/** Where a message stands: the watermarks of the conversation may be ahead of the message's own state. */
export function messageState(message: T.Message, conversation: T.Conversation): T.MessageState {
  // What is on its way over a channel, or was not accepted there, nobody has read.
  if (message.state !== "sent" && message.state !== "delivered") return message.state;
  if (message.sender.type === "contact") {
    return conversation.operator_read >= message.number ? "read" : message.state;
  }
  if (conversation.contact_read >= message.number) return "read";
  if (conversation.contact_delivered >= message.number) return "delivered";
  return message.state;
}
