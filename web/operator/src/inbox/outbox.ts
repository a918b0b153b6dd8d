// Messages on their way. Each keeps one idempotency key from the first try to the last, so that a retry after a
// lost answer cannot send it twice. One conversation sends one message at a time: order is kept.

import { useSyncExternalStore } from "react";
import { newKey } from "../api/client.ts";
import { type ApiError, asApiError } from "../api/error.ts";
import { conversations } from "../api/routes.ts";
import type { Conversation, Event, Message } from "../api/types.ts";

export interface Outgoing {
  key: string;
  conversationId: number;
  body: string;
  note: boolean;
  at: string;
  /** Said to be text although it begins like a command. */
  asText?: boolean;
  /** What goes with it, as it is held in this page. */
  file?: OutgoingFile;
  /** Answers that the contact may give with a click. */
  choices?: string[];
  /** The server's key of the file, once it is there. */
  media?: string;
  state: "sending" | "waiting" | "failed";
  reason: string;
  /** The code of a refusal. */
  code?: string;
}

export interface OutgoingFile {
  key: string;
  name: string;
  size: number;
  voice: boolean;
}

export interface OutboxWorld {
  /** Waits until the file is on the server. */
  uploaded(file: OutgoingFile): Promise<string>;
  /** The file is not needed any more, or not there any more. */
  dropped(file: OutgoingFile, expired: boolean): void;
  send(entry: Outgoing): Promise<{ message: Message; conversation: Conversation }>;
  sent(answer: { message: Message; conversation: Conversation }): void;
  later(run: () => void, milliseconds: number): void;
  store(text: string): void;
  stored(): string | null;
}

const NONE: Outgoing[] = [];

export class Outbox {
  private entries = new Map<number, Outgoing[]>();
  private busy = new Set<number>();
  private tries = new Map<string, number>();
  /** Keys whose message came back as an event before the answer did. */
  private echoed = new Set<string>();
  private listeners = new Set<() => void>();
  private readonly world: OutboxWorld;

  constructor(world: OutboxWorld) {
    this.world = world;
    this.restore();
  }

  of(conversationId: number): Outgoing[] {
    return this.entries.get(conversationId) ?? NONE;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  add(
    conversationId: number,
    body: string,
    note: boolean,
    at: string,
    asText = false,
    file?: OutgoingFile,
    choices?: string[],
  ): void {
    const entry: Outgoing = {
      key: newKey(),
      conversationId,
      body,
      note,
      at,
      asText,
      file,
      choices,
      state: "sending",
      reason: "",
    };
    this.set(conversationId, [...this.of(conversationId), entry]);
    void this.work(conversationId);
  }

  retry(conversationId: number, key: string): void {
    this.tries.delete(key);
    this.change(conversationId, key, { state: "sending", reason: "" });
    void this.work(conversationId);
  }

  /** Another question than before, so it gets another key. */
  sendAsText(conversationId: number, key: string): void {
    const next = newKey();
    this.tries.delete(key);
    this.change(conversationId, key, { key: next, asText: true, state: "sending", reason: "", code: "" });
    void this.work(conversationId);
  }

  discard(conversationId: number, key: string): string {
    const entry = this.entry(conversationId, key);
    this.remove(conversationId, key);
    return entry?.body ?? "";
  }

  /** Tries again at once what waits for a connection. */
  wake(): void {
    for (const [id, list] of this.entries) {
      for (const entry of list) if (entry.state === "waiting") this.tries.delete(entry.key);
      void this.work(id);
    }
  }

  /** The event of an own message may overtake the answer: then the bubble is the event's. */
  echo(event: Event, me: number): void {
    const message = event.data.message;
    // What becomes of an older message is no news of one on its way, be it word for word the same.
    if (!message || (event.type !== "message.sent" && event.type !== "message.noted")) return;
    if (message.sender.type !== "operator" || message.sender.id !== me) return;
    const entry = this.of(message.conversation_id).find(
      (item) => item.state !== "failed" && (item.key === message.client_id || isEcho(item, message)),
    );
    if (!entry) return;
    this.echoed.add(entry.key);
    this.remove(message.conversation_id, entry.key);
  }

  private async work(conversationId: number): Promise<void> {
    if (this.busy.has(conversationId)) return;
    const entry = this.of(conversationId).find((item) => item.state !== "failed");
    if (!entry) return;
    this.busy.add(conversationId);
    try {
      const ready = entry.file && !entry.media ? await this.withFile(entry, entry.file) : entry;
      if (!ready) {
        // Discarded while its file went up.
        this.finish(conversationId);
        return;
      }
      const answer = await this.world.send(ready);
      this.echoed.delete(entry.key);
      this.world.sent(answer);
      this.remove(conversationId, entry.key);
      this.finish(conversationId);
    } catch (cause) {
      const error = asApiError(cause);
      if (this.echoed.delete(entry.key)) {
        this.finish(conversationId);
      } else if (error.transient) {
        this.wait(entry, error);
      } else {
        if (error.code === "media.not_found" && entry.file) {
          this.change(conversationId, entry.key, { media: undefined });
          this.world.dropped(entry.file, true);
        }
        this.change(conversationId, entry.key, { state: "failed", reason: error.detail, code: error.code });
        this.finish(conversationId);
      }
    }
  }

  /** The entry with its file on the server, or undefined when it is not to be sent any more. */
  private async withFile(entry: Outgoing, file: OutgoingFile): Promise<Outgoing | undefined> {
    const media = await this.world.uploaded(file);
    this.change(entry.conversationId, entry.key, { media });
    return this.entry(entry.conversationId, entry.key);
  }

  private entry(conversationId: number, key: string): Outgoing | undefined {
    return this.of(conversationId).find((item) => item.key === key);
  }

  private wait(entry: Outgoing, error: ApiError): void {
    const tries = (this.tries.get(entry.key) ?? 0) + 1;
    this.tries.set(entry.key, tries);
    this.change(entry.conversationId, entry.key, { state: "waiting", reason: error.detail });
    const delay = error.retryAfter ? error.retryAfter * 1000 : Math.min(15_000, 500 * 2 ** tries);
    this.busy.delete(entry.conversationId);
    this.world.later(() => void this.work(entry.conversationId), delay);
  }

  private finish(conversationId: number): void {
    this.busy.delete(conversationId);
    void this.work(conversationId);
  }

  private change(conversationId: number, key: string, fields: Partial<Outgoing>): void {
    this.set(
      conversationId,
      this.of(conversationId).map((item) => (item.key === key ? { ...item, ...fields } : item)),
    );
  }

  private remove(conversationId: number, key: string): void {
    this.tries.delete(key);
    const file = this.entry(conversationId, key)?.file;
    this.set(
      conversationId,
      this.of(conversationId).filter((item) => item.key !== key),
    );
    if (file) this.world.dropped(file, false);
  }

  private set(conversationId: number, list: Outgoing[]): void {
    if (list.length === 0) this.entries.delete(conversationId);
    else this.entries.set(conversationId, list);
    this.world.store(JSON.stringify([...this.entries.values()].flat()));
    for (const listener of this.listeners) listener();
  }

  private restore(): void {
    let stored: unknown;
    try {
      stored = JSON.parse(this.world.stored() ?? "[]");
    } catch {
      return;
    }
    if (!Array.isArray(stored)) return;
    for (const entry of stored as Outgoing[]) {
      if (typeof entry?.key !== "string" || typeof entry.body !== "string") continue;
      const list = this.entries.get(entry.conversationId) ?? [];
      this.entries.set(entry.conversationId, [
        ...list,
        { ...entry, state: entry.state === "failed" ? "failed" : "waiting" },
      ]);
    }
    for (const id of this.entries.keys()) this.world.later(() => void this.work(id), 0);
  }
}

/** Whether a message that came as an event is the one on its way: an operator's messages carry no key of their own. */
function isEcho(entry: Outgoing, message: Message): boolean {
  if (entry.note !== message.note || entry.body !== message.body) return false;
  const { media } = message;
  if (!entry.file) return message.type === "message";
  return (
    entry.media !== undefined &&
    media?.size === entry.file.size &&
    (media.kind === "voice") === entry.file.voice
  );
}

const desk = () => import("./files/upload-desk.ts");

let shared: Outbox | null = null;

export function outbox(sent: OutboxWorld["sent"]): Outbox {
  if (!shared) {
    const key = "parley.outbox";
    shared = new Outbox({
      send: ({ conversationId, body, note, key, asText, media, choices }) =>
        conversations.send(conversationId, body, note, key, { asText, media, choices }),
      uploaded: async ({ key }) => (await desk()).uploads.uploaded(key),
      dropped: ({ key }, expired) =>
        void desk().then(({ uploads }) => (expired ? uploads.expire(key) : uploads.drop(key))),
      sent,
      later: (run, milliseconds) => window.setTimeout(run, milliseconds),
      store: (text) => {
        try {
          sessionStorage.setItem(key, text);
        } catch {
          // Without storage an unsent message ends with the page; the bubble says that it was not sent.
        }
      },
      stored: () => {
        try {
          return sessionStorage.getItem(key);
        } catch {
          return null;
        }
      },
    });
    const box = shared;
    window.addEventListener("online", () => box.wake());
  }
  return shared;
}

export function useOutgoing(box: Outbox, conversationId: number): Outgoing[] {
  return useSyncExternalStore(box.subscribe, () => box.of(conversationId));
}
