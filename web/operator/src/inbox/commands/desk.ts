// Commands on their way and what came of them. Each keeps one idempotency key from the first try to the last, so that
// a retry after a lost answer cannot do it twice. One conversation runs one command at a time.

import { newKey } from "../../api/client.ts";
import { type ApiError, asApiError } from "../../api/error.ts";
import type { CommandAnswer } from "../../api/types.ts";

export interface Running {
  key: string;
  conversationId: number;
  line: string;
  /** Where it was typed, to clear that field and no other. */
  note: boolean;
  state: "running" | "waiting";
}

export interface CommandFault {
  line: string;
  code: string;
  detail: string;
}

/** What a command said: for the operator who asked, gone with the page. */
export interface Answered {
  key: string;
  line: string;
  lines: string[];
  /** The number of the last line of the thread it stands behind. */
  after: number;
}

export interface CommandState {
  running: Running | null;
  fault: CommandFault | null;
  answers: Answered[];
}

export interface CommandWorld {
  run(entry: Running): Promise<CommandAnswer>;
  /** Called before the answer shows: brings the thread up to date and clears the field. */
  done(entry: Running, answer: CommandAnswer): void;
  /** The number of the last line that is known of a conversation. */
  end(conversationId: number): number;
  later(run: () => void, milliseconds: number): void;
  store(text: string): void;
  stored(): string | null;
}

const NOTHING: CommandState = { running: null, fault: null, answers: [] };
const KEEP = 20;

export class CommandDesk {
  private states = new Map<number, CommandState>();
  private tries = new Map<string, number>();
  private listeners = new Set<() => void>();
  private readonly world: CommandWorld;

  constructor(world: CommandWorld) {
    this.world = world;
    this.restore();
  }

  of(conversationId: number): CommandState {
    return this.states.get(conversationId) ?? NOTHING;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  run(conversationId: number, line: string, note: boolean): void {
    if (this.of(conversationId).running) return;
    const running: Running = { key: newKey(), conversationId, line, note, state: "running" };
    this.set(conversationId, { running, fault: null });
    void this.work(running);
  }

  /** Gives up what waits for a connection. What is under way cannot be taken back. */
  cancel(conversationId: number): void {
    const { running } = this.of(conversationId);
    if (running?.state !== "waiting") return;
    this.tries.delete(running.key);
    this.set(conversationId, { running: null });
  }

  forgive(conversationId: number): void {
    if (this.of(conversationId).fault) this.set(conversationId, { fault: null });
  }

  dismiss(conversationId: number, key: string): void {
    const answers = this.of(conversationId).answers.filter((answer) => answer.key !== key);
    this.set(conversationId, { answers });
  }

  /** Tries again at once what waits for a connection. */
  wake(): void {
    for (const { running } of [...this.states.values()])
      if (running?.state === "waiting") this.again(running);
  }

  private again(entry: Running): void {
    // Cancelled, answered or already tried again in the meantime.
    const now = this.of(entry.conversationId).running;
    if (now?.key !== entry.key || now.state !== "waiting") return;
    const next: Running = { ...entry, state: "running" };
    this.set(entry.conversationId, { running: next });
    void this.work(next);
  }

  private async work(entry: Running): Promise<void> {
    const { conversationId } = entry;
    try {
      const answer = await this.world.run(entry);
      this.tries.delete(entry.key);
      this.world.done(entry, answer);
      const after = Math.max(this.world.end(conversationId), answer.message?.number ?? 0);
      const said: Answered = { key: entry.key, line: entry.line, lines: answer.lines ?? [], after };
      const answers = [...this.of(conversationId).answers, said].slice(-KEEP);
      this.set(conversationId, { running: null, answers: said.lines.length > 0 ? answers : undefined });
    } catch (cause) {
      const error = asApiError(cause);
      if (error.transient) this.wait(entry, error);
      else {
        this.tries.delete(entry.key);
        const { code, detail } = error;
        this.set(conversationId, { running: null, fault: { line: entry.line, code, detail } });
      }
    }
  }

  private wait(entry: Running, error: ApiError): void {
    const tries = (this.tries.get(entry.key) ?? 0) + 1;
    this.tries.set(entry.key, tries);
    const waiting: Running = { ...entry, state: "waiting" };
    this.set(entry.conversationId, { running: waiting });
    const delay = error.retryAfter ? error.retryAfter * 1000 : Math.min(15_000, 500 * 2 ** tries);
    this.world.later(() => this.again(waiting), delay);
  }

  private set(conversationId: number, fields: Partial<CommandState>): void {
    const before = this.of(conversationId);
    this.states.set(conversationId, {
      running: fields.running === undefined ? before.running : fields.running,
      fault: fields.fault === undefined ? before.fault : fields.fault,
      answers: fields.answers ?? before.answers,
    });
    const open = [...this.states.values()].map((state) => state.running).filter((each) => each !== null);
    this.world.store(JSON.stringify(open));
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
    for (const entry of stored as Partial<Running>[]) {
      if (typeof entry?.key !== "string" || typeof entry.line !== "string" || !entry.conversationId) continue;
      const waiting = { ...(entry as Running), state: "waiting" as const };
      this.states.set(waiting.conversationId, { ...NOTHING, running: waiting });
      this.world.later(() => this.again(waiting), 0);
    }
  }
}
