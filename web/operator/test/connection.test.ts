import { describe, expect, it } from "vitest";
import type { Event } from "../src/api/types.ts";
import { Connection, delayBefore, type LineState, type SocketLike } from "../src/realtime/connection.ts";
import { Journal } from "../src/realtime/journal.ts";
import { event } from "./samples.ts";

class FakeSocket implements SocketLike {
  readyState = 0;
  sent: { type: string; after?: number; conversation_id?: number | null }[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
    this.readyState = 3;
  }
  accept() {
    this.readyState = 1;
    this.onopen?.();
  }
  say(frame: object) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  break() {
    this.readyState = 3;
    this.onclose?.();
  }
}

function bench() {
  const sockets: FakeSocket[] = [];
  const timers: { run: () => void; at: number; id: number }[] = [];
  const states: LineState[] = [];
  const events: Event[] = [];
  let resyncs = 0;
  let seq = 40;
  let nextTimer = 1;
  const connection = new Connection(
    {
      resumeFrom: () => seq,
      onEvent: (each) => {
        events.push(each);
        seq = each.seq;
      },
      onFrame: () => {},
      onState: (state) => states.push(state),
      onResync: () => {
        resyncs += 1;
      },
      onRefused: () => {},
    },
    {
      open: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket;
      },
      random: () => 1,
      setTimer: (run, at) => {
        timers.push({ run, at, id: nextTimer });
        return nextTimer++;
      },
      clearTimer: (id) => {
        const index = timers.findIndex((timer) => timer.id === id);
        if (index >= 0) timers.splice(index, 1);
      },
    },
  );
  const fire = (milliseconds: number) => {
    const index = timers.findIndex((timer) => timer.at === milliseconds);
    const [timer] = timers.splice(index, 1);
    timer?.run();
  };
  const last = () => sockets[sockets.length - 1] as FakeSocket;
  return { connection, sockets, timers, states, events, fire, last, resyncs: () => resyncs };
}

describe("the line", () => {
  it("says hello with the last applied event and resumes behind it after a break", () => {
    const { connection, last, fire, events } = bench();
    connection.connect();
    last().accept();
    expect(last().sent[0]).toEqual({ type: "hello", after: 40, presence: true });
    last().say({ type: "welcome", seq: 42, heartbeat_seconds: 25 });
    last().say({ type: "event", event: event("message.received", 41, {}) });
    last().say({ type: "event", event: event("message.received", 42, {}) });
    expect(events.map((each) => each.seq)).toEqual([41, 42]);
    last().break();
    fire(500);
    last().accept();
    expect(last().sent[0]).toMatchObject({ type: "hello", after: 42 });
  });

  it("waits longer from try to try and starts anew after success", () => {
    const { connection, last, timers } = bench();
    const waits: number[] = [];
    connection.connect();
    for (let n = 0; n < 7; n += 1) {
      last().break();
      const timer = timers.find((each) => each.at < 60_000);
      waits.push(timer?.at ?? 0);
      timers.splice(0, timers.length);
      timer?.run();
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    last().accept();
    last().say({ type: "welcome", seq: 40, heartbeat_seconds: 25 });
    last().break();
    expect(timers.some((each) => each.at === 500)).toBe(true);
  });

  it("dials at once when the page wakes, but leaves a good line alone", () => {
    const { connection, last, sockets } = bench();
    connection.connect();
    last().break();
    connection.wake();
    expect(sockets).toHaveLength(2);
    last().accept();
    last().say({ type: "welcome", seq: 40, heartbeat_seconds: 25 });
    connection.wake();
    expect(sockets).toHaveLength(2);
  });

  it("takes a silent line for dead", () => {
    const { connection, last, fire, sockets, states } = bench();
    connection.connect();
    last().accept();
    last().say({ type: "welcome", seq: 40, heartbeat_seconds: 25 });
    const first = last();
    fire(60_000);
    expect(first.closed).toBe(true);
    expect(states.at(-1)).toBe("lost");
    fire(500);
    expect(sockets).toHaveLength(2);
  });

  it("answers a ping and tells again which conversation is open", () => {
    const { connection, last, fire } = bench();
    connection.connect();
    last().accept();
    last().say({ type: "welcome", seq: 40, heartbeat_seconds: 25 });
    connection.setViewing(7);
    last().say({ type: "ping" });
    expect(last().sent.slice(1)).toEqual([{ type: "viewing", conversation_id: 7 }, { type: "pong" }]);
    last().break();
    fire(500);
    last().accept();
    last().say({ type: "welcome", seq: 40, heartbeat_seconds: 25 });
    expect(last().sent[1]).toEqual({ type: "viewing", conversation_id: 7 });
  });

  it("does not dial again by itself after a resync", () => {
    const { connection, last, sockets, timers, resyncs } = bench();
    connection.connect();
    last().accept();
    last().say({ type: "welcome", seq: 40, heartbeat_seconds: 25 });
    last().say({ type: "resync", reason: "too_far" });
    expect(resyncs()).toBe(1);
    expect(timers).toHaveLength(0);
    connection.connect();
    expect(sockets).toHaveLength(2);
  });

  it("spreads a crowd", () => {
    expect(delayBefore(3, 0)).toBe(2000);
    expect(delayBefore(3, 1)).toBe(4000);
    expect(delayBefore(30, 1)).toBe(15_000);
  });
});

describe("the journal", () => {
  it("takes every event once and tells those behind a snapshot", () => {
    const journal = new Journal(3);
    journal.reset(10);
    expect(journal.add(event("a", 11, {}))).toBe(true);
    expect(journal.add(event("a", 11, {}))).toBe(false);
    journal.add(event("a", 12, {}));
    expect(journal.since(11)?.map((each) => each.seq)).toEqual([12]);
    expect(journal.since(9)).toBeNull();
    journal.add(event("a", 13, {}));
    journal.add(event("a", 14, {}));
    expect(journal.since(10)).toBeNull();
    expect(journal.since(11)?.map((each) => each.seq)).toEqual([12, 13, 14]);
  });
});
