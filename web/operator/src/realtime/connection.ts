import type { ClientFrame, Event, ServerFrame } from "../api/types.ts";

export type LineState = "connecting" | "open" | "lost" | "refused";

export interface ConnectionHooks {
  /** The last event that was applied; the server continues behind it. */
  resumeFrom(): number;
  onEvent(event: Event): void;
  onFrame(frame: ServerFrame): void;
  onState(state: LineState): void;
  /** The server cannot continue from there: load snapshots, then call connect() again. */
  onResync(): void;
  onRefused(code: string): void;
}

export interface SocketLike {
  readyState: number;
  send(text: string): void;
  close(code?: number): void;
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  onerror: (() => void) | null;
}

export interface Surroundings {
  open(): SocketLike;
  random(): number;
  setTimer(run: () => void, milliseconds: number): number;
  clearTimer(timer: number): void;
}

const FIRST_DELAY = 500;
const LAST_DELAY = 15_000;
const SILENCE = 60_000;
const OPEN = 1;

/** How long to wait before try number n (from 0): exponential, with jitter so that a crowd does not return at once. */
export function delayBefore(attempt: number, random: number): number {
  const ceiling = Math.min(LAST_DELAY, FIRST_DELAY * 2 ** attempt);
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

export class Connection {
  private socket: SocketLike | null = null;
  private attempt = 0;
  private retryTimer: number | null = null;
  private silenceTimer: number | null = null;
  private wanted = false;
  private welcomed = false;
  private viewing: number | null = null;
  private readonly hooks: ConnectionHooks;
  private readonly world: Surroundings;

  constructor(hooks: ConnectionHooks, world: Surroundings) {
    this.hooks = hooks;
    this.world = world;
  }

  connect(): void {
    this.wanted = true;
    this.dial();
  }

  close(): void {
    this.wanted = false;
    this.stopTimers();
    this.drop();
  }

  /** The tab came back: do not sit out the waiting time. */
  wake(): void {
    if (!this.wanted) return;
    if (this.socket && this.welcomed) return;
    this.attempt = 0;
    this.dial();
  }

  redial(): void {
    if (!this.wanted) return;
    this.attempt = 0;
    this.dial();
  }

  setViewing(conversationId: number | null): void {
    this.viewing = conversationId;
    this.send({ type: "viewing", conversation_id: conversationId });
  }

  typing(conversationId: number): void {
    this.send({ type: "typing", conversation_id: conversationId });
  }

  private send(frame: ClientFrame): void {
    if (this.socket?.readyState === OPEN && (this.welcomed || frame.type === "hello")) {
      this.socket.send(JSON.stringify(frame));
    }
  }

  private dial(): void {
    this.stopTimers();
    this.drop();
    this.welcomed = false;
    this.hooks.onState(this.attempt === 0 ? "connecting" : "lost");
    let socket: SocketLike;
    try {
      socket = this.world.open();
    } catch {
      this.later();
      return;
    }
    this.socket = socket;
    this.expectFrame();
    socket.onopen = () => {
      this.send({ type: "hello", after: this.hooks.resumeFrom(), presence: true });
    };
    socket.onmessage = (message) => {
      if (this.socket === socket && typeof message.data === "string") this.receive(message.data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.welcomed = false;
      if (this.wanted) this.later();
    };
    socket.onerror = () => {};
  }

  private receive(text: string): void {
    this.expectFrame();
    let frame: ServerFrame;
    try {
      frame = JSON.parse(text) as ServerFrame;
    } catch {
      return;
    }
    switch (frame.type) {
      case "welcome":
        this.welcomed = true;
        this.attempt = 0;
        this.hooks.onState("open");
        if (this.viewing !== null) this.send({ type: "viewing", conversation_id: this.viewing });
        break;
      case "ping":
        this.send({ type: "pong" });
        break;
      case "event":
        this.hooks.onEvent(frame.event);
        break;
      case "resync":
        this.wanted = false;
        this.stopTimers();
        this.drop();
        this.hooks.onState("lost");
        this.hooks.onResync();
        break;
      case "error":
        if (frame.code.startsWith("auth.")) {
          this.close();
          this.hooks.onState("refused");
          this.hooks.onRefused(frame.code);
        }
        break;
      default:
        this.hooks.onFrame(frame);
    }
  }

  /** A line without any frame for a minute is dead even if nobody closed it. */
  private expectFrame(): void {
    if (this.silenceTimer !== null) this.world.clearTimer(this.silenceTimer);
    this.silenceTimer = this.world.setTimer(() => {
      this.drop();
      if (this.wanted) this.later();
    }, SILENCE);
  }

  private later(): void {
    this.stopTimers();
    this.hooks.onState("lost");
    const delay = delayBefore(this.attempt, this.world.random());
    this.attempt += 1;
    this.retryTimer = this.world.setTimer(() => this.dial(), delay);
  }

  private stopTimers(): void {
    if (this.retryTimer !== null) this.world.clearTimer(this.retryTimer);
    if (this.silenceTimer !== null) this.world.clearTimer(this.silenceTimer);
    this.retryTimer = null;
    this.silenceTimer = null;
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    this.welcomed = false;
    if (socket) {
      socket.onclose = null;
      socket.onmessage = null;
      socket.onerror = null;
      socket.onopen = null;
      socket.close();
    }
  }
}
