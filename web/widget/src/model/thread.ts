import type { Message, MessageState } from "../wire";

// The messages of one conversation as far as they are loaded, ordered by number, each once.

export interface Thread {
  messages: readonly Message[];
  /** Older ones exist on the server. */
  hasMore: boolean;
  loaded: boolean;
}

export const emptyThread: Thread = { messages: [], hasMore: false, loaded: false };

/** Somebody said something with it: words or a file. */
export const isSaid = ({ type }: Message): boolean => type === "message" || type === "media";

const RANK: Record<MessageState, number> = { sent: 0, delivered: 1, read: 2 };

const changedAt = (message: Message): string => message.deleted_at ?? message.edited_at ?? "";

/**
 * A message takes the place of the one with its number. Whatever order the news comes in, a state only climbs, the later text
 * counts, a card that was found stays with its text, and a file that was fetched is there.
 */
function newer(known: Message, incoming: Message): Message {
  const [now, before] = [changedAt(incoming), changedAt(known)];
  const latest = now < before ? known : incoming;
  const merged = {
    ...latest,
    state: RANK[incoming.state] > RANK[known.state] ? incoming.state : known.state,
  };
  if (now === before) {
    if (known.link) merged.link ??= known.link;
    if (incoming.media?.state === "fetching" && known.media?.url) merged.media = known.media;
  }
  return JSON.stringify(merged) === JSON.stringify(known) ? known : merged;
}

export function mergeMessages(known: readonly Message[], incoming: readonly Message[]): readonly Message[] {
  let changed = false;
  const byNumber = new Map(known.map((message) => [message.number, message]));
  for (const message of incoming) {
    const old = byNumber.get(message.number);
    const merged = old ? newer(old, message) : message;
    if (merged === old) continue;
    byNumber.set(message.number, merged);
    changed = true;
  }
  return changed ? [...byNumber.values()].sort((a, b) => a.number - b.number) : known;
}

/** Everything of the visitor's up to these numbers has been delivered or read. */
export function raiseStates(messages: readonly Message[], operatorRead: number): readonly Message[] {
  const rises = ({ sender, number, state }: Message) =>
    sender.type === "contact" && number <= operatorRead && state !== "read";
  return messages.some(rises)
    ? messages.map((message) => (rises(message) ? { ...message, state: "read" as const } : message))
    : messages;
}

export const addMessage = (thread: Thread, message: Message): Thread => {
  const messages = mergeMessages(thread.messages, [message]);
  return messages === thread.messages ? thread : { ...thread, messages };
};

/** An older page, in front. */
export const addOlder = (thread: Thread, page: readonly Message[], hasMore: boolean): Thread => ({
  ...thread,
  messages: mergeMessages(thread.messages, page),
  hasMore,
});

/**
 * The newest page. If it does not reach what is known, the known part is dropped: a thread must not have a
 * hole that nobody can see.
 */
export function setNewest(thread: Thread, page: readonly Message[], hasMore: boolean): Thread {
  const first = page[0]?.number ?? 0;
  // Something newer than the page's beginning is not enough: it may be a straggler behind a hole. Numbers do
  // not tell, because the team's notes have some too.
  const touching = !hasMore || thread.messages.some((message) => message.number === first);
  const older = thread.messages[0] !== undefined && thread.messages[0].number < first;
  // What came over the socket while the page was on its way is newer than the page and stays.
  const last = page[page.length - 1]?.number ?? 0;
  const kept = touching ? thread.messages : thread.messages.filter((message) => message.number > last);
  return {
    messages: mergeMessages(kept, page),
    hasMore: touching && older ? thread.hasMore : hasMore,
    loaded: true,
  };
}

/** Kept in a closed panel, so that it opens at once even after a long way up. */
const KEPT = 80;

export const trim = (thread: Thread): Thread =>
  thread.messages.length > KEPT
    ? { ...thread, messages: thread.messages.slice(-KEPT), hasMore: true }
    : thread;
