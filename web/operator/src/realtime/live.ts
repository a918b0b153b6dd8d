import type { QueryClient } from "@tanstack/react-query";
import { notifyManager } from "@tanstack/react-query";
import { conversations, session } from "../api/routes.ts";
import type * as T from "../api/types.ts";
import { Connection, type LineState, type SocketLike } from "./connection.ts";
import { Journal } from "./journal.ts";
import { PresenceBoard } from "./presence.ts";
import {
  applyToConversation,
  applyToCounts,
  applyToList,
  applyToOperators,
  applyToThread,
  shiftCounts,
  withAnswer,
  withAnsweredMessage,
  withChanged,
} from "./reducer.ts";
import {
  type ConversationSnapshot,
  type CountsSnapshot,
  EVERY_STATUS,
  isOfChannel,
  keys,
  type ListFilter,
  type ListSnapshot,
  type ThreadSnapshot,
} from "./snapshots.ts";

const FIRST_PAGE = 60;
const NEXT_PAGE = 200;
const THREAD_PAGE = 50;

type Arrival = (event: T.Event) => void;

/** Keeps the query cache equal to the server: snapshots over HTTP, everything after them over the socket. */
export class Live {
  readonly presence = new PresenceBoard();
  private readonly client: QueryClient;
  private readonly journal = new Journal();
  private readonly connection: Connection;
  private me = 0;
  private waiting: T.Event[] = [];
  private flushTimer: number | null = null;
  private countsTimer: number | null = null;
  private state: LineState = "connecting";
  private stateListeners = new Set<() => void>();
  private arrivals = new Set<Arrival>();
  private started = false;

  constructor(client: QueryClient) {
    this.client = client;
    this.connection = new Connection(
      {
        resumeFrom: () => this.journal.seq,
        onEvent: (event) => this.receive(event),
        onFrame: (frame) => this.frame(frame),
        onState: (state) => this.setState(state),
        onResync: () => void this.resync(),
        onRefused: () => void this.refused(),
      },
      {
        open: () => {
          const scheme = location.protocol === "https:" ? "wss:" : "ws:";
          return new WebSocket(
            `${scheme}//${location.host}/api/v1/socket`,
            "parley.v1",
          ) as unknown as SocketLike;
        },
        random: Math.random,
        setTimer: (run, milliseconds) => window.setTimeout(run, milliseconds),
        clearTimer: (timer) => window.clearTimeout(timer),
      },
    );
  }

  start(me: T.Me): void {
    if (this.started) return;
    this.started = true;
    this.me = me.operator.id;
    this.journal.reset(me.seq);
    this.connection.connect();
    window.addEventListener("online", this.online);
    document.addEventListener("visibilitychange", this.wake);
  }

  stop(): void {
    if (!this.started) return;
    this.started = false;
    this.connection.close();
    this.presence.clear();
    this.waiting = [];
    if (this.flushTimer !== null) window.clearTimeout(this.flushTimer);
    if (this.countsTimer !== null) window.clearTimeout(this.countsTimer);
    this.flushTimer = null;
    this.countsTimer = null;
    window.removeEventListener("online", this.online);
    document.removeEventListener("visibilitychange", this.wake);
  }

  /** The network changed: a line from before may be dead without knowing it. */
  private online = () => this.connection.redial();

  private wake = () => {
    if (document.visibilityState === "visible" && navigator.onLine !== false) this.connection.wake();
  };

  // --- what the pages ask for ---

  async loadList(filter: ListFilter, signal?: AbortSignal): Promise<ListSnapshot> {
    const page = await conversations.list(this.listQuery(filter, null, FIRST_PAGE), signal);
    if (filter.contactId === undefined) {
      this.client.setQueryData<CountsSnapshot>(keys.counts, (before) =>
        before && before.seq > page.seq ? before : { seq: page.seq, counts: page.counts, uncertain: false },
      );
    }
    return this.catchUpList({ seq: page.seq, items: page.items, nextCursor: page.next_cursor }, filter);
  }

  async loadMore(filter: ListFilter): Promise<void> {
    const key = keys.list(filter);
    const before = this.client.getQueryData<ListSnapshot>(key);
    if (!before?.nextCursor) return;
    const page = await conversations.list(this.listQuery(filter, before.nextCursor, NEXT_PAGE));
    const caught = this.catchUpList(
      { seq: page.seq, items: page.items, nextCursor: page.next_cursor },
      filter,
    );
    this.client.setQueryData<ListSnapshot>(key, (now) => {
      // Somebody reset the list while the page was under way: its cursor no longer belongs to it.
      if (!now || now.nextCursor !== before.nextCursor) return now;
      const have = new Set(now.items.map((item) => item.id));
      return {
        seq: now.seq,
        items: [...now.items, ...caught.items.filter((item) => !have.has(item.id))],
        nextCursor: page.next_cursor,
      };
    });
  }

  async loadConversation(id: number, signal?: AbortSignal): Promise<ConversationSnapshot> {
    const { seq, ...conversation } = await conversations.get(id, signal);
    let snapshot: ConversationSnapshot = { seq, conversation };
    for (const event of this.journal.since(seq) ?? []) snapshot = applyToConversation(snapshot, event);
    return snapshot;
  }

  async loadThread(id: number, signal?: AbortSignal): Promise<ThreadSnapshot> {
    const page = await conversations.messages(id, { limit: THREAD_PAGE }, signal);
    let thread: ThreadSnapshot = { seq: page.seq, items: page.items, hasMore: page.has_more, gap: false };
    for (const event of this.journal.since(page.seq) ?? []) thread = applyToThread(thread, event, id);
    return thread;
  }

  async loadOlder(id: number): Promise<void> {
    const first = this.client.getQueryData<ThreadSnapshot>(keys.thread(id))?.items[0];
    if (!first) return;
    const page = await conversations.messages(id, { before: first.number, limit: 2 * THREAD_PAGE });
    this.client.setQueryData<ThreadSnapshot>(keys.thread(id), (now) =>
      now && now.items[0]?.number === first.number
        ? { ...now, items: [...page.items, ...now.items], hasMore: page.has_more }
        : now,
    );
  }

  async loadCounts(): Promise<CountsSnapshot> {
    const page = await conversations.list({ view: "all", limit: 1 });
    let snapshot: CountsSnapshot = { seq: page.seq, counts: page.counts, uncertain: false };
    for (const event of this.journal.since(page.seq) ?? []) {
      snapshot = applyToCounts(snapshot, event, this.me, this.known(event.data.conversation?.id));
    }
    return snapshot;
  }

  /** A pointer over a row announces a click: the thread is there when it comes. */
  prefetch(id: number): void {
    void this.client.prefetchQuery({
      queryKey: keys.thread(id),
      queryFn: ({ signal }) => this.loadThread(id, signal),
    });
  }

  /** A conversation from wherever it is cached, with the number of the last event it contains. */
  knownSnapshot(id: number): ConversationSnapshot | undefined {
    const own = this.client.getQueryData<ConversationSnapshot>(keys.conversation(id));
    if (own) return own;
    for (const [, list] of this.client.getQueriesData<ListSnapshot>({ queryKey: ["conversations"] })) {
      const found = list?.items.find((item) => item.id === id);
      if (list && found) return { seq: list.seq, conversation: found };
    }
    return undefined;
  }

  known(id: number | undefined): T.Conversation | undefined {
    return id === undefined ? undefined : this.knownSnapshot(id)?.conversation;
  }

  everyKnown(): T.Conversation[] {
    const found = new Map<number, T.Conversation>();
    for (const [, list] of this.client.getQueriesData<ListSnapshot>({ queryKey: ["conversations"] })) {
      for (const item of list?.items ?? []) if (!found.has(item.id)) found.set(item.id, item);
    }
    return [...found.values()];
  }

  // --- answers to writes, ahead of their events ---

  /** Shows what a write answered. The event that follows says the same and changes nothing. */
  adopt(conversation: T.Conversation): void {
    const known = this.known(conversation.id);
    if (known && known.updated_at <= conversation.updated_at) {
      this.client.setQueryData<CountsSnapshot>(
        keys.counts,
        (now) => now && { ...now, counts: shiftCounts(now.counts, known, conversation, this.me) },
      );
    }
    this.patch(conversation.id, (before) =>
      before.updated_at > conversation.updated_at ? before : withAnswer(before, conversation),
    );
  }

  patch(id: number, change: (conversation: T.Conversation) => T.Conversation): void {
    notifyManager.batch(() => {
      this.client.setQueryData<ConversationSnapshot>(
        keys.conversation(id),
        (now) => now && { ...now, conversation: change(now.conversation) },
      );
      this.client.setQueriesData<ListSnapshot>({ queryKey: ["conversations"] }, (now) => {
        if (!now) return now;
        const index = now.items.findIndex((item) => item.id === id);
        const before = now.items[index];
        if (!before) return now;
        const items = now.items.slice();
        items[index] = change(before);
        return { ...now, items };
      });
    });
  }

  /** Lines before it may still be on their way as events; they find their place by their number. */
  adoptMessage(message: T.Message): void {
    this.changeThread(message.conversation_id, (items) => withAnsweredMessage(items, message));
  }

  /** Shows what a write made of a message, unless its event came first. */
  adoptChanged(before: T.Message, answer: T.MessageAnswer): void {
    this.changeThread(before.conversation_id, (items) => withChanged(items, before, answer.message));
    this.adopt(answer.conversation);
  }

  changeThread(conversationId: number, change: (items: T.Message[]) => T.Message[]): void {
    this.client.setQueryData<ThreadSnapshot>(
      keys.thread(conversationId),
      (now) => now && { ...now, items: change(now.items) },
    );
  }

  adoptContact(contact: T.Contact): void {
    const change = (before: T.Conversation): T.Conversation =>
      before.contact.id === contact.id ? { ...before, contact } : before;
    notifyManager.batch(() => {
      this.client.setQueriesData<ConversationSnapshot>({ queryKey: ["conversation"] }, (now) =>
        now && now.conversation.contact.id === contact.id
          ? { ...now, conversation: change(now.conversation) }
          : now,
      );
      this.client.setQueriesData<ListSnapshot>(
        { queryKey: ["conversations"] },
        (now) => now && { ...now, items: now.items.map(change) },
      );
    });
  }

  // --- the line ---

  viewing(conversationId: number | null): void {
    this.connection.setViewing(conversationId);
  }

  typing(conversationId: number): void {
    this.connection.typing(conversationId);
  }

  lineState(): LineState {
    return this.state;
  }

  subscribeLine = (listener: () => void): (() => void) => {
    this.stateListeners.add(listener);
    return () => this.stateListeners.delete(listener);
  };

  onArrival(listener: Arrival): () => void {
    this.arrivals.add(listener);
    return () => this.arrivals.delete(listener);
  }

  private setState(state: LineState): void {
    if (this.state === state) return;
    this.state = state;
    if (state !== "open") this.presence.clear();
    for (const listener of this.stateListeners) listener();
  }

  private receive(event: T.Event): void {
    if (!this.journal.add(event)) return;
    this.waiting.push(event);
    // A burst (after a night's sleep) is folded in one go: one render, not one for each event.
    this.flushTimer ??= window.setTimeout(() => this.flush(), 0);
  }

  private flush(): void {
    this.flushTimer = null;
    const events = this.waiting;
    this.waiting = [];
    this.apply(events);
    for (const event of events) for (const listener of this.arrivals) listener(event);
  }

  private frame(frame: T.ServerFrame): void {
    if (frame.type === "typing") {
      if (frame.by.type === "operator" && frame.by.id === this.me) return;
      this.presence.setTyping(
        frame.conversation_id,
        { name: frame.by.name, type: frame.by.type },
        `${frame.by.type}:${frame.by.id}`,
        frame.ttl_seconds || 6,
      );
    } else if (frame.type === "viewing") {
      this.presence.setViewers(
        frame.conversation_id,
        frame.operators.filter((operator) => operator.id !== this.me),
      );
    }
  }

  private apply(events: T.Event[]): void {
    notifyManager.batch(() => {
      for (const event of events) this.applyOne(event);
    });
  }

  private applyOne(event: T.Event): void {
    const { client, me } = this;
    const id = event.data.conversation?.id;
    const before = this.known(id);
    client.setQueryData<CountsSnapshot>(keys.counts, (now) => now && applyToCounts(now, event, me, before));
    for (const [key, list] of client.getQueriesData<ListSnapshot>({ queryKey: ["conversations"] })) {
      if (!list) continue;
      client.setQueryData<ListSnapshot>(key, this.fold(list, event, key[1] as ListFilter, before));
    }
    if (id !== undefined) {
      client.setQueryData<ConversationSnapshot>(
        keys.conversation(id),
        (now) => now && applyToConversation(now, event),
      );
      const thread = client.setQueryData<ThreadSnapshot>(
        keys.thread(id),
        (now) => now && applyToThread(now, event, id),
      );
      if (thread?.gap) void client.invalidateQueries({ queryKey: keys.thread(id) });
      if (event.type === "message.received") {
        this.presence.stopTyping(id, `contact:${event.data.message?.sender.id}`);
        this.presence.stopTyping(id, `contact:${event.data.conversation?.contact?.id}`);
      }
    } else {
      client.setQueriesData<ConversationSnapshot>(
        { queryKey: ["conversation"] },
        (now) => now && applyToConversation(now, event),
      );
    }
    if (event.type.startsWith("operator.")) {
      client.setQueryData<T.OperatorFull[]>(keys.operators, (now) => now && applyToOperators(now, event));
      const operator = event.data.operator;
      if (operator?.id === me) {
        client.setQueryData<T.Me>(
          keys.me,
          (now) => now && { ...now, operator: { ...now.operator, ...operator } },
        );
      }
    }
    if (event.type === "group.updated") void client.invalidateQueries({ queryKey: keys.groups });
    if (event.type === "widget.updated") void client.invalidateQueries({ queryKey: keys.widgets });
    if (client.getQueryData<CountsSnapshot>(keys.counts)?.uncertain) this.recountSoon();
  }

  /** At most one question every two seconds, however many events made the counts uncertain. */
  private recountSoon(): void {
    this.countsTimer ??= window.setTimeout(() => {
      this.countsTimer = null;
      void this.loadCounts().then(
        (snapshot) => this.client.setQueryData(keys.counts, snapshot),
        () => {},
      );
    }, 2000);
  }

  /** Signed out elsewhere, or only this line was refused: asking who we are tells. */
  private async refused(): Promise<void> {
    await this.client.refetchQueries({ queryKey: keys.me });
    if (!this.started || !this.client.getQueryData(keys.me)) return;
    window.setTimeout(() => this.started && this.connection.connect(), 5000);
  }

  private async resync(): Promise<void> {
    for (let attempt = 0; this.started; attempt += 1) {
      try {
        const me = await session.me();
        this.waiting = [];
        this.journal.reset(me.seq);
        this.client.setQueryData<T.Me>(keys.me, me);
        const live = new Set([
          "conversations",
          "conversation",
          "thread",
          "counts",
          "operators",
          "groups",
          "table",
          "tags",
        ]);
        this.client.removeQueries({
          type: "inactive",
          predicate: (query) => live.has(String(query.queryKey[0])),
        });
        void this.client.invalidateQueries({ predicate: (query) => live.has(String(query.queryKey[0])) });
        this.connection.connect();
        return;
      } catch {
        await new Promise((resolve) => window.setTimeout(resolve, Math.min(15_000, 1000 * 2 ** attempt)));
      }
    }
  }

  private catchUpList(list: ListSnapshot, filter: ListFilter): ListSnapshot {
    let caught = list;
    for (const event of this.journal.since(list.seq) ?? []) {
      caught = this.fold(caught, event, filter, this.known(event.data.conversation?.id));
    }
    return caught;
  }

  /** The list after the event. A conversation that moved to another channel leaves the lists of the one before. */
  private fold(list: ListSnapshot, event: T.Event, filter: ListFilter, known?: T.Conversation): ListSnapshot {
    const next = applyToList(list, event, filter, this.me, known);
    const { channel } = filter;
    if (channel === undefined || next.items === list.items) return next;
    return { ...next, items: next.items.filter((item) => isOfChannel(channel, item.channel)) };
  }

  private listQuery(filter: ListFilter, cursor: string | null, limit: number) {
    const attention = filter.view === "attention";
    return {
      view: attention ? "all" : filter.view,
      attention: attention ? "true" : undefined,
      status:
        filter.statuses.length === EVERY_STATUS.length ? EVERY_STATUS.join(",") : filter.statuses.join(","),
      contact_id: filter.contactId,
      channel: filter.channel,
      cursor,
      limit,
    };
  }
}
