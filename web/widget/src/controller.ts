import { backoff } from "../../shared/backoff";
import { type Line, openLine } from "../../shared/socket";
import type { Told } from "./facts";
import { type Answer, createHttp, type Facts, type Fault, type Http, isTransient } from "./http";
import { memoryOf } from "./memory";
import {
  type Attached,
  isComplete,
  type Outbox,
  type OutboxItem,
  readOutbox,
  retarget,
} from "./model/outbox";
import { type Change, initialState, reduce, type Screen, type State } from "./model/state";
import { isSaid } from "./model/thread";
import { currentOf, isOver, landing, unreadOf } from "./model/view";
import type { OfflineBox } from "./offline/box";
import { failure, type Result, success } from "./result";
import { createSender } from "./sender";
import type { Claimed, ContactInfo, PublicState, Surroundings } from "./shell";
import { titleBadge } from "./title";
import { uuid } from "./uuid";
import type { Conversation, Entered, Invitation, SocketFrame } from "./wire";

// Everything that happens: it joins the state with the server, the device's memory and the page.

export interface Controller {
  state(): State;
  watch(listener: () => void): () => void;
  /** Returns whether the panel is open again after a reload. */
  start(reopen: boolean): boolean;
  stop(): void;
  /** Draws and tells everything anew: the page's wishes or the screen changed. */
  refresh(): void;

  setOpen(open: boolean, proactive?: boolean): void;
  show(screen: Screen): void;
  showConversation(id: number | null): void;
  /** With a file that has a message of its own: the upload's id is the message's. */
  write(body: string, media?: Attached, clientId?: string): void;
  /** The upload of a waiting message is done, or failed. */
  edit(clientId: string, patch: Partial<OutboxItem>): void;
  retry(clientId: string): void;
  discard(clientId: string): void;
  typed(): void;
  /** What is being written: here, or under a name of its own. */
  draft(name?: string): string;
  setDraft(text: string, name?: string): void;
  token(): string | null;
  http: Http;
  /** Somebody is who they say: from now on the device remembers them, and the screen shows what is given. */
  enter(who: Entered, shown: Partial<State>): void;
  loadOlder(): Promise<void>;
  /** The screen tells whether the newest message is in view. */
  atEnd(atEnd: boolean): void;
  ask(ending: State["ending"]): void;
  /** What the visitor says about a conversation, or that it is over. */
  say(id: number, what: Said, body: Record<string, unknown>): Promise<Result<void>>;
  announced(listener: (name: string, body: string) => void): void;

  setContactInfo(info: ContactInfo): Promise<Result<void>>;
  setCustomData(data: Record<string, unknown>): Promise<Result<void>>;
  identify(claimed: Claimed): Promise<Result<void>>;
  /** null takes it back. */
  invite(invitation: Invitation | null): Promise<Result<void>>;
  /** What keeps and sends messages that were left while nobody was there; fetched when it is needed. */
  offline(): Promise<OfflineBox>;
  logout(): Promise<Result<void>>;
  openConversation(id: number): Promise<Result<void>>;
  goal(key: string): Promise<Result<void>>;
  rate(value: number): Promise<Result<void>>;
}

export type Said = "rating" | "feedback" | "survey" | "channel" | "end";

const TYPING_PAUSE = 2000;
/** A lost line is not worth a word before this. */
const PATIENCE = 3000;
const STALE = 60_000;

export function createController(around: Surroundings, onState: (state: State) => void): Controller {
  const { bus, pages } = around;
  const { vault, visits } = memoryOf(around);
  const title = titleBadge();
  const http = createHttp(around.base, around.key, () => token);
  const watchers = new Set<() => void>();
  const readOwed = new Map<number, number>();
  const loading = new Set<string>();

  /** Ends what is listened to. */
  const end = new AbortController();
  const ending = { signal: end.signal };

  let state = initialState(around.answer);
  let token = vault.get("token");
  let line: Line | null = null;
  let seq: number | null = null;
  let stopped = false;
  let bottom = true;
  let lastTyped = 0;
  let asked = Date.now();
  /** What the page told before there was anybody to tell it of; it goes with the first message. */
  let told: Told = {};
  let box: Promise<OfflineBox> | undefined;
  let unread = 0;
  let byPage = false;
  let published = "";
  /** Counts sign-ins, so that an answer for an earlier visitor is dropped. */
  let era = 0;
  let typingTimer: ReturnType<typeof setTimeout> | undefined;
  let lostTimer: ReturnType<typeof setTimeout> | undefined;
  let pageTimer: ReturnType<typeof setTimeout> | undefined;
  let wake: (() => void) | undefined;
  let announce: (name: string, body: string) => void = () => undefined;

  // --- state ---------------------------------------------------------------------------------------------

  function dispatch(change: Change): void {
    if (stopped) return;
    const before = state;
    state = reduce(state, change);
    if (state === before) return;
    if (state.outbox !== before.outbox) keepOutbox(before.outbox);
    if (state.conversationId !== before.conversationId) moveDraft(before);
    if (state.conversations !== before.conversations) tellEnds(before);
    markRead();
    for (const watcher of watchers) watcher();
    publish();
  }

  const patch = (part: Partial<State>) => dispatch({ do: "patch", patch: part });

  function publish(): void {
    const count = unreadOf(state.conversations);
    if (count !== unread) {
      unread = count;
      bus.emit("unreadCountChanged", { unread });
    }
    title.set(document.hasFocus() ? 0 : unread);
    onState(state);
    const wanted = around.buttonWanted();
    const view: PublicState = {
      visibility: state.open ? "maximized" : wanted ? "minimized" : "hidden",
      availability: state.availability,
      connection: !token ? "idle" : state.connected ? "online" : "connecting",
      unread,
      conversationId: state.conversationId,
      conversations: state.conversations.map(({ id, status, unread: count }) => ({
        id,
        status,
        unread: count,
      })),
      contact: state.contact,
    };
    const text = JSON.stringify(view);
    if (text === published) return;
    published = text;
    bus.emit("state", view);
  }

  function tellEnds(before: State): void {
    for (const one of state.conversations) {
      const known = before.conversations.find((other) => other.id === one.id);
      if (known && known.status !== "ended" && one.status === "ended") {
        bus.emit("conversationEnded", { conversationId: one.id });
      }
    }
  }

  function report(fault: Pick<Fault, "code" | "message">): Result<never> {
    bus.emit("error", { code: fault.code, message: fault.message });
    return failure(fault.code, fault.message);
  }

  /** What a page hears of an answer; nothing asked is as good as a good one. */
  const result = (answer: Answer<unknown> | null): Result<void> =>
    answer && !answer.ok ? report(answer) : success(undefined);

  // --- outbox and drafts ---------------------------------------------------------------------------------

  /** Other tabs have their own unsent messages in the same place: change only what is ours. */
  function keepOutbox(before: Outbox): void {
    const ours = new Set([...before, ...state.outbox].map((item) => item.clientId));
    const theirs = storedOutbox().filter((item) => !ours.has(item.clientId));
    // A file that is still on its way does not survive the page.
    const all = [...theirs, ...state.outbox.filter(isComplete)];
    vault.set("outbox", all.length ? JSON.stringify(all) : null);
  }

  const storedOutbox = () => readOutbox(vault.read("outbox"));

  const drafts = () => (vault.read("drafts") ?? {}) as Record<string, string>;
  const draftKey = (id: number | string | null) => String(id ?? "new");

  function setDraft(text: string, id: number | string | null = state.conversationId): void {
    const all = drafts();
    if ((all[draftKey(id)] ?? "") === text) return;
    if (text) all[draftKey(id)] = text;
    else delete all[draftKey(id)];
    vault.set("drafts", Object.keys(all).length ? JSON.stringify(all) : null);
  }

  /** What is typed while the first message of a new conversation is on its way belongs to that conversation. */
  function moveDraft(before: State): void {
    const text = drafts()["new"];
    const wrote = before.outbox.some((item) => item.conversationId === null);
    if (before.conversationId !== null || !wrote || !text) return;
    setDraft("", null);
    setDraft(text, state.conversationId);
  }

  const visit = () => ({ ...visits.current(), proactive: byPage });

  const sender = createSender({
    outbox: () => state.outbox,
    change: (outbox) => patch({ outbox }),
    send: (item) =>
      http.send({
        client_id: item.clientId,
        body: item.body,
        ...(item.media && { media: item.media.key }),
        conversation_id: item.conversationId,
        reopen: item.reopen,
        ...(item.invitation && { invitation: item.invitation }),
        ...told,
        visit: visit(),
      }),
    sent(item, answer) {
      told = {};
      if (item.invitation) patch({ invitation: null });
      const fresh = answer.token !== null && answer.token !== token;
      if (fresh) setToken(answer.token);
      dispatch({ do: "conversation", conversation: answer.conversation, message: answer.message });
      // Stored under another client id can not happen; a stray item must not be sent for ever all the same.
      if (state.outbox.some((one) => one.clientId === item.clientId)) sender.discard(item.clientId);
      if (!state.contact) patch({ contact: answer.contact });
      const news = { conversationId: answer.conversation.id, message: answer.message };
      if (item.conversationId === null) bus.emit("firstMessageSent", news);
      bus.emit("messageSent", news);
      if (fresh || !line) void begin();
      else loadThread(answer.conversation.id);
    },
    unknownVisitor: () => leave(true),
    lighten(fault) {
      if (!Object.keys(told).length) return false;
      // A page's slip must not cost the visitor's words.
      told = {};
      report(fault);
      return true;
    },
    failed: (_item, fault) => void report(fault),
  });

  // --- the server ----------------------------------------------------------------------------------------

  function setToken(next: string | null): void {
    token = next;
    vault.set("token", next);
    if (!state.signedIn && next) patch({ signedIn: true });
  }

  /** Forgets the visitor. What was written but not sent is kept only if it shall go out under a new name. */
  function leave(keepUnsent: boolean): void {
    era++;
    line?.stop();
    line = null;
    seq = null;
    // Another tab may have found a new one meanwhile.
    if (vault.get("token") === token) vault.set("token", null);
    token = null;
    readOwed.clear();
    clearTimeout(lostTimer);
    const unsent = state.outbox;
    dispatch({ do: "forget" });
    if (!keepUnsent) {
      told = {};
      vault.wipe();
      return;
    }
    let outbox = unsent;
    for (const item of unsent) outbox = retarget(outbox, item.conversationId, null);
    patch({ outbox: outbox.map((item) => ({ ...item, reopen: false })) });
  }

  /** Asks until there is an answer that trying again would not change. */
  async function insist<T>(act: () => Promise<Answer<T>>): Promise<Answer<T>> {
    for (let attempt = 0; ; attempt++) {
      const answer = await act();
      if (answer.ok || !isTransient(answer) || stopped) return answer;
      lose();
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, Math.max(answer.wait * 1000, backoff(attempt)));
      });
      wake = undefined;
      if (stopped) return answer;
    }
  }

  async function loadSnapshot(): Promise<boolean> {
    const mine = era;
    const answer = await insist(http.me);
    if (mine !== era || stopped) return false;
    if (!answer.ok) {
      if (answer.status === 401) leave(true);
      else report(answer);
      return false;
    }
    seq = answer.value.seq;
    dispatch({ do: "snapshot", ...answer.value });
    return true;
  }

  async function loadThread(id: number, fresh = false): Promise<void> {
    const name = `newest ${id}`;
    if (loading.has(name) || (!fresh && state.threads[id]?.loaded)) return;
    loading.add(name);
    const mine = era;
    const answer = await insist(() => http.messages(id));
    loading.delete(name);
    if (mine !== era || stopped) return;
    if (!answer.ok) report(answer);
    else dispatch({ do: "newest", id, page: answer.value.items, hasMore: answer.value.has_more });
  }

  let beginning = -1;
  /** From a token to a living conversation: snapshot, thread, line. */
  async function begin(): Promise<void> {
    if (beginning === era || line) return;
    beginning = era;
    const mine = era;
    const good = await loadSnapshot();
    if (beginning === mine) beginning = -1;
    if (!good || stopped || mine !== era) return;
    settle();
    connect();
    await showThread(true);
  }

  /** Chooses what to show, unless the visitor is in the middle of something new. */
  function settle(): void {
    if (state.conversationId !== null) return;
    const busy = drafts()["new"] || state.outbox.some((item) => item.conversationId === null);
    if (!busy) patch({ conversationId: landing(state.conversations) });
  }

  const showThread = async (fresh = false) => {
    if (state.conversationId !== null) await loadThread(state.conversationId, fresh);
  };

  function lose(): void {
    if (lostTimer !== undefined || state.lineLost) return;
    lostTimer = setTimeout(() => {
      lostTimer = undefined;
      patch({ lineLost: true });
    }, PATIENCE);
  }

  function regain(): void {
    clearTimeout(lostTimer);
    lostTimer = undefined;
    if (state.lineLost) patch({ lineLost: false });
  }

  function connect(): void {
    line?.stop();
    const opened: Line = openLine({
      url: `${around.base.replace(/^http/, "ws")}/visitor/v1/socket`,
      protocol: "parley.v1",
      hello: () => ({ type: "hello", token, after: seq }),
      onFrame: (frame) => onFrame(frame as unknown as SocketFrame),
      onState(next) {
        patch({ connected: next === "open" });
        if (next === "open") regain();
        else if (next !== "stopped") lose();
      },
      async onResync() {
        if (!(await loadSnapshot())) throw new Error("no snapshot");
        await showThread(true);
        // The other threads may have holes now; they are fetched again when they are looked at.
        const id = state.conversationId ?? 0;
        const kept = state.threads[id];
        patch({ threads: kept ? { [id]: kept } : {} });
      },
      onRefused: () => {
        if (line === opened || !line) leave(true);
      },
    });
    line = opened;
  }

  const knows = (id: number, number: number) =>
    state.threads[id]?.messages.some((one) => one.number === number);

  function onFrame(frame: SocketFrame): void {
    if ("seq" in frame && frame.type !== "welcome") seq = Math.max(seq ?? 0, frame.seq);
    switch (frame.type) {
      case "welcome":
        seq ??= frame.seq;
        sendPage();
        for (const one of state.conversations) acknowledge(one);
        for (const [id, number] of readOwed) void sendRead(id, number);
        sender.retry(null);
        return;
      case "message": {
        const { message, conversation } = frame;
        const known = knows(conversation.id, message.number);
        dispatch({ do: "conversation", conversation, message });
        const theirs = isSaid(message) && message.sender.type !== "contact";
        if (!theirs) {
          if (state.conversationId === null) settle();
          void showThread();
          return;
        }
        acknowledge(conversation);
        if (known) return;
        if (state.open && state.conversationId === conversation.id)
          announce(message.sender.name, message.body || (message.media?.name ?? ""));
        bus.emit("messageReceived", { conversationId: conversation.id, message });
        // A closed panel opens where the news is.
        if (!state.open && state.screen === "thread") showConversation(landing(state.conversations));
        return;
      }
      case "message_updated":
      case "conversation": {
        const { conversation, message, type } = frame;
        // What was changed beyond the part of the thread that is here comes with that part.
        const here = type === "conversation" || knows(conversation.id, message.number);
        dispatch({ do: "conversation", conversation, message: here ? message : null });
        return;
      }
      case "contact":
        patch({ contact: frame.contact });
        return;
      case "availability":
        patch({ availability: frame.availability });
        // Until when, only the settings tell.
        asked = 0;
        if (state.open) void refreshAvailability();
        return;
      case "typing":
        if (frame.by.type === "contact") return;
        clearTimeout(typingTimer);
        patch({ typing: { conversationId: frame.conversation_id, name: frame.by.name } });
        typingTimer = setTimeout(() => patch({ typing: null }), frame.ttl_seconds * 1000);
        return;
      case "error":
        bus.emit("error", { code: frame.code, message: frame.detail });
    }
  }

  function acknowledge(one: Conversation): void {
    const last = one.last_message;
    if (last && last.sender.type !== "contact" && last.number > one.contact_delivered) {
      line?.send({ type: "delivered", conversation_id: one.id, number: last.number });
    }
  }

  function sendPage(): void {
    const { url, title: name } = visits.current();
    line?.send({ type: "page", url, title: name });
  }

  // --- read ----------------------------------------------------------------------------------------------

  /** Read means: on the screen, in a tab that is looked at. */
  function markRead(): void {
    const { open, screen, conversationId } = state;
    if (!open || screen !== "thread" || conversationId === null || !bottom) return;
    if (document.visibilityState !== "visible" || !document.hasFocus()) return;
    const messages = state.threads[conversationId]?.messages;
    const current = currentOf(state);
    const last = messages?.findLast((message) => message.sender.type !== "contact");
    if (!last || !current || last.number <= current.contact_read) return;
    state = reduce(state, { do: "read", id: conversationId, number: last.number });
    void sendRead(conversationId, last.number);
  }

  async function sendRead(id: number, number: number): Promise<void> {
    readOwed.set(id, number);
    const answer = await http.read(id, number);
    const told = answer.ok || !isTransient(answer);
    if (told && readOwed.get(id) === number) readOwed.delete(id);
  }

  /** The visitor looks here again, or away. */
  const look = () => {
    const before = state;
    markRead();
    if (state !== before) for (const watcher of watchers) watcher();
    publish();
  };

  const online = () => {
    wake?.();
    if (!line) regain();
    sender.retry(null);
  };

  // --- what the visitor does -----------------------------------------------------------------------------

  async function refreshAvailability(): Promise<void> {
    if (Date.now() - asked < STALE) return;
    asked = Date.now();
    const answer = await http.widget();
    // The line knows better who is there now.
    if (answer.ok)
      patch({
        availability: state.connected ? state.availability : answer.value.availability,
        answer: answer.value,
      });
  }

  /** Nothing goes on. */
  const idle = () => state.conversations.every(isOver);

  /** What an operator wrote first is where a new conversation begins. */
  function beInvited(): void {
    if (state.invitation && state.screen !== "account" && idle())
      patch({ conversationId: null, screen: "thread" });
  }

  function showConversation(id: number | null): void {
    bottom = true;
    patch({ conversationId: id, screen: "thread", ending: "no" });
    void showThread();
  }

  async function tell(id: number, what: Said, body = {}): Promise<Result<void>> {
    const mine = era;
    const answer = await http.tell<{ conversation: Conversation }>(`/conversations/${id}/${what}`, body);
    if (answer.ok && mine === era)
      dispatch({ do: "conversation", conversation: answer.value.conversation, message: null });
    return result(answer);
  }

  async function change(facts: Facts): Promise<Result<void>> {
    const answer = await http.change(facts);
    if (answer.ok) patch({ contact: answer.value.contact });
    return result(answer);
  }

  /** What the page tells: at once, or with the first message. */
  const facts = (kind: "contact" | "custom" | "claimed") => async (value: unknown) => {
    try {
      const { merge, read } = await import("./facts");
      const given = read(kind, value, told);
      if (token) return change(given);
      told = merge(told, given);
      return success(undefined);
    } catch (fault) {
      return report({ code: "facts.invalid", message: String(fault) });
    }
  };
  const claim = facts("claimed");

  /** What was left while nobody was there. */
  function offline(): Promise<OfflineBox> {
    box ??= import("./offline/Offline").then(({ open }) =>
      open({
        vault,
        http,
        key: around.key,
        backoff,
        transient: isTransient,
        uuid,
        visit,
        told: () => told,
        contact: () => state.contact,
        signal: end.signal,
        leave,
        report,
        change,
        accepted(answer) {
          told = {};
          if (answer.token && !token) enter({ token: answer.token, contact: answer.contact }, {});
          else if (!line) void begin();
          bus.emit("offlineMessageSent", { conversationId: answer.conversation_id });
        },
      }),
    );
    // Not there now, perhaps the next time.
    box.catch(() => {
      box = undefined;
    });
    return box;
  }

  function enter(
    { token: next, contact }: Pick<State, "contact"> & { token: string },
    shown?: Partial<State>,
  ): void {
    if (shown) vault.unlock();
    if (next === token) {
      patch({ contact, ...shown });
      return;
    }
    if (token) leave(true);
    setToken(next);
    patch({ contact, settled: false, ...shown });
    void begin();
  }

  const unwatch = vault.onChange((name) => {
    if (name === "drafts") patch({ drafts: state.drafts + 1 });
    if (name !== "token") return;
    const next = vault.get("token");
    if (next) enter({ token: next, contact: state.contact });
    else if (token) leave(false);
  });
  const unpage = pages.onChange(() => {
    // Single-page sites set the title a moment after the address.
    clearTimeout(pageTimer);
    pageTimer = setTimeout(sendPage, 300);
  });

  return {
    state: () => state,
    watch(listener) {
      watchers.add(listener);
      return () => void watchers.delete(listener);
    },
    refresh: () => patch({}),
    start(reopen) {
      window.addEventListener("focus", look, ending);
      window.addEventListener("blur", look, ending);
      document.addEventListener("visibilitychange", look, ending);
      window.addEventListener("online", online, ending);
      window.addEventListener("offline", lose, ending);
      const unsent = storedOutbox();
      patch({
        signedIn: token !== null,
        settled: token === null,
        outbox: unsent.map((item) => ({ ...item, state: "sending", refused: false, tries: 0 })),
        open: reopen && vault.get("open") === "1",
      });
      if (token) void begin();
      void sender.pump();
      if (vault.get("offline")) void offline();
      return state.open;
    },
    stop() {
      stopped = true;
      // Only a reload finds the panel open again, not a new mount.
      vault.set("open", null);
      sender.stop();
      line?.stop();
      unwatch();
      unpage();
      visits.stop();
      title.set(0);
      for (const timer of [typingTimer, lostTimer, pageTimer]) clearTimeout(timer);
      wake?.();
      end.abort();
    },

    setOpen(open, proactive = false) {
      // Somebody comes from a mail, perhaps to a panel that is open.
      if (open && pages.way) patch({ screen: "account" });
      if (open === state.open) return;
      byPage = proactive;
      vault.set("open", open ? "1" : null);
      if (open) {
        bottom = true;
        void refreshAvailability();
        const unreadOne = state.conversations.find((one) => one.unread > 0);
        if (unreadOne && state.screen === "thread") patch({ conversationId: unreadOne.id });
        beInvited();
        void showThread();
      } else dispatch({ do: "trim" });
      patch({ open, ending: "no" });
      bus.emit(open ? "opened" : "closed");
    },
    show: (screen) => patch({ screen, ending: "no" }),
    showConversation,
    write(body, media, clientId = uuid()) {
      const text = body.trim();
      if (!text && !media) return;
      vault.unlock();
      setDraft("");
      const current = currentOf(state);
      const { invitation } = state;
      const item = {
        clientId,
        body: text,
        ...(media && { media }),
        conversationId: state.conversationId,
        reopen: current?.status === "ended",
        ...(invitation && !current && { invitation: { id: invitation.id, secret: invitation.secret } }),
        writtenAt: new Date().toISOString(),
        state: "sending" as const,
        refused: false,
        tries: 0,
      };
      bottom = true;
      patch({ outbox: [...state.outbox, item], ending: "no" });
      void sender.pump();
    },
    retry: (clientId) => sender.retry(clientId),
    discard: (clientId) => sender.discard(clientId),
    typed() {
      const now = Date.now();
      if (now - lastTyped < TYPING_PAUSE || state.conversationId === null) return;
      if (line?.send({ type: "typing", conversation_id: state.conversationId })) lastTyped = now;
    },
    edit: sender.edit,
    draft: (name) => drafts()[draftKey(name ?? state.conversationId)] ?? "",
    setDraft,
    token: () => token,
    http,
    enter,
    async loadOlder() {
      const id = state.conversationId;
      const thread = id === null ? undefined : state.threads[id];
      const name = `older ${id}`;
      if (id === null || !thread?.hasMore || loading.has(name)) return;
      loading.add(name);
      const mine = era;
      const answer = await http.messages(id, thread.messages[0]?.number);
      loading.delete(name);
      if (mine !== era) return;
      if (answer.ok) dispatch({ do: "older", id, page: answer.value.items, hasMore: answer.value.has_more });
      else report(answer);
    },
    atEnd(atEnd) {
      if (bottom === atEnd) return;
      bottom = atEnd;
      if (atEnd) look();
    },
    ask: (ending) => patch({ ending }),
    say: tell,
    announced(listener) {
      announce = listener;
    },

    setContactInfo: facts("contact"),
    setCustomData: facts("custom"),
    async invite(given) {
      // Where something goes on, the operator writes there.
      const invitation = idle() ? given : null;
      patch({ invitation });
      if (!state.open) beInvited();
      else if (invitation && state.conversationId === null)
        announce(invitation.operator.name, invitation.body);
      return success(undefined);
    },
    offline,
    async identify(claimed) {
      const jwt = String(claimed.id);
      if (!/^eyJ[^.]*(\.[^.]*){2}$/.test(jwt)) return claim(claimed);
      const answer = await http.identify(jwt);
      if (answer.ok) enter(answer.value);
      return result(answer);
    },
    async logout() {
      const answer = token ? await http.logout() : null;
      // Logged out here in any case; a token that the server does not know is as good as revoked.
      leave(false);
      return result(answer?.ok || answer?.status !== 401 ? answer : null);
    },
    async goal(key) {
      // Without a token there is no session that could reach it.
      const answer = token ? await http.tell("/goals", { key }) : null;
      return result(answer);
    },
    async rate(value) {
      if (token && !state.settled) await loadSnapshot();
      const id = state.conversationId;
      return id === null
        ? failure("conversation.not_found", "there is nothing to rate")
        : tell(id, "rating", { value });
    },
    async openConversation(id) {
      const known = () => state.conversations.some((one) => one.id === id);
      if (!known() && token && !state.settled) await loadSnapshot();
      if (!known()) return failure("conversation.not_found", `there is no conversation ${id}`);
      showConversation(id);
      return success(undefined);
    },
  };
}
