import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Frame, type Line, type LineOptions, openLine } from "../../../shared/socket";

class FakeSocket {
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: Frame[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    FakeSocket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Frame);
  }
  close(): void {
    this.readyState = 3;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  hear(frame: Frame): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  welcome(): void {
    this.open();
    this.hear({ type: "welcome", seq: 1, heartbeat_seconds: 25 });
  }
  fall(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

let line: Line | null = null;
let after: number | null = null;
const frames: Frame[] = [];
const states: string[] = [];
const refused: string[] = [];
let resyncs = 0;
const newest = () => FakeSocket.all[FakeSocket.all.length - 1] as FakeSocket;

function start(more: Partial<LineOptions> = {}): void {
  line = openLine({
    url: "wss://server.example/socket",
    protocol: "parley.v1",
    hello: () => ({ type: "hello", after }),
    onFrame: (frame) => frames.push(frame),
    onState: (state) => states.push(state),
    onResync: async () => {
      resyncs++;
    },
    onRefused: (code) => refused.push(code),
    random: () => 1,
    ...more,
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.all = [];
  frames.length = states.length = refused.length = resyncs = 0;
  after = null;
});
afterEach(() => {
  line?.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("line", () => {
  it("greets with the newest position and answers pings", () => {
    start();
    newest().welcome();
    expect(newest().sent).toEqual([{ type: "hello", after: null }]);
    newest().hear({ type: "ping" });
    expect(newest().sent[1]).toEqual({ type: "pong" });
    expect(frames.map((frame) => frame.type)).toEqual(["welcome"]);
    after = 7;
    newest().fall();
    vi.advanceTimersByTime(500);
    newest().open();
    expect(newest().sent).toEqual([{ type: "hello", after: 7 }]);
  });

  it("waits longer each time, and shortly again after a line that held", () => {
    start();
    for (const wait of [500, 1000, 2000, 4000, 8000, 15_000, 15_000]) {
      const before = FakeSocket.all.length;
      newest().fall();
      vi.advanceTimersByTime(wait - 1);
      expect(FakeSocket.all.length).toBe(before);
      vi.advanceTimersByTime(1);
      expect(FakeSocket.all.length).toBe(before + 1);
    }
    newest().welcome();
    vi.advanceTimersByTime(10_000);
    newest().fall();
    const before = FakeSocket.all.length;
    vi.advanceTimersByTime(500);
    expect(FakeSocket.all.length).toBe(before + 1);
  });

  it("a welcome alone does not shorten the waiting", () => {
    start();
    for (let i = 0; i < 4; i++) {
      newest().welcome();
      newest().fall();
      vi.advanceTimersByTime(500 * 2 ** i);
    }
    expect(FakeSocket.all.length).toBe(5);
  });

  it("takes 60 s of silence for death, and hears again at once", () => {
    start();
    newest().welcome();
    vi.advanceTimersByTime(50_000);
    newest().hear({ type: "ping" });
    vi.advanceTimersByTime(50_000);
    expect(FakeSocket.all.length).toBe(1);
    vi.advanceTimersByTime(20_000);
    expect(FakeSocket.all.length).toBe(2);
  });

  it("notices sleep by the clock", () => {
    start();
    newest().welcome();
    vi.setSystemTime(Date.now() + 600_000);
    vi.advanceTimersByTime(5_000);
    expect(FakeSocket.all.length).toBe(2);
  });

  it("connects at once when the network comes back or the page is looked at", () => {
    start();
    newest().fall();
    window.dispatchEvent(new Event("online"));
    expect(FakeSocket.all.length).toBe(2);
    newest().fall();
    document.dispatchEvent(new Event("visibilitychange"));
    expect(FakeSocket.all.length).toBe(3);
  });

  it("reloads the snapshot on resync, once, and comes back", async () => {
    start();
    newest().welcome();
    const old = newest();
    old.hear({ type: "resync", reason: "slow" });
    old.fall(4001);
    await vi.advanceTimersByTimeAsync(10);
    expect(resyncs).toBe(1);
    expect(FakeSocket.all.length).toBe(2);
  });

  it("stops when refused, and says why", () => {
    start();
    newest().open();
    newest().hear({ type: "error", code: "auth.invalid", detail: "" });
    newest().fall(4003);
    vi.advanceTimersByTime(60_000);
    expect(refused).toEqual(["auth.invalid"]);
    expect(FakeSocket.all.length).toBe(1);
    expect(line?.state()).toBe("stopped");
  });

  it("ignores what an abandoned socket still says", () => {
    start();
    newest().welcome();
    const old = newest();
    window.dispatchEvent(new Event("online"));
    old.hear({ type: "message", seq: 1 });
    old.fall();
    expect(frames.map((frame) => frame.type)).toEqual(["welcome"]);
    expect(FakeSocket.all.length).toBe(2);
  });

  it("gives up on a connection that never speaks", () => {
    start();
    newest().open();
    vi.advanceTimersByTime(15_000 + 500);
    expect(FakeSocket.all.length).toBe(2);
  });

  it("sends only on an open line", () => {
    start();
    expect(line?.send({ type: "typing" })).toBe(false);
    newest().welcome();
    expect(line?.send({ type: "typing" })).toBe(true);
    line?.stop();
    expect(line?.send({ type: "typing" })).toBe(false);
    vi.advanceTimersByTime(100_000);
    expect(FakeSocket.all.length).toBe(1);
  });
});
