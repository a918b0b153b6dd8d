import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Answer, Fault } from "../src/http";
import { nextToSend, type Outbox, type OutboxItem, readOutbox, revive, without } from "../src/model/outbox";
import { createSender } from "../src/sender";
import type { SendAnswer } from "../src/wire";
import { contact, conversation, dice, own } from "./samples";

const item = (clientId: string, more: Partial<OutboxItem> = {}): OutboxItem => ({
  clientId,
  body: clientId,
  conversationId: 42,
  reopen: false,
  writtenAt: "2026-11-22T10:00:00.000Z",
  state: "sending",
  refused: false,
  tries: 0,
  ...more,
});
const fault = (status: number, code = "x", wait = 0): Fault => ({
  ok: false,
  status,
  code,
  message: "",
  wait,
});
const good = (one: OutboxItem): Answer<SendAnswer> => ({
  ok: true,
  value: {
    token: null,
    contact,
    conversation: conversation(),
    message: own(1, one.clientId),
    duplicate: false,
  },
});

function bench(list: Outbox, script: (one: OutboxItem, nth: number) => Answer<SendAnswer>) {
  let outbox = list;
  let running = 0;
  let most = 0;
  const calls: OutboxItem[] = [];
  const stored: string[] = [];
  let strangers = 0;
  const sender = createSender({
    outbox: () => outbox,
    change: (next) => {
      outbox = next;
    },
    async send(one) {
      running++;
      most = Math.max(most, running);
      calls.push(one);
      await Promise.resolve();
      running--;
      return script(one, calls.length);
    },
    sent(one) {
      stored.push(one.clientId);
      outbox = without(outbox, one.clientId);
    },
    unknownVisitor: () => {
      strangers++;
    },
    lighten: () => false,
    failed: () => undefined,
  });
  return { sender, calls, stored, outbox: () => outbox, most: () => most, strangers: () => strangers };
}
const flush = () => vi.advanceTimersByTimeAsync(60_000);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("sender", () => {
  it("sends in order, one at a time, also when asked twice", async () => {
    const b = bench([item("a"), item("b"), item("c")], good);
    void b.sender.pump();
    void b.sender.pump();
    await flush();
    expect(b.stored).toEqual(["a", "b", "c"]);
    expect(b.most()).toBe(1);
  });

  it("tries a weak line three times with the same id, then lets all behind it wait", async () => {
    const b = bench([item("a"), item("b")], () => fault(0, "network"));
    void b.sender.pump();
    await flush();
    expect(b.calls.map((one) => one.clientId)).toEqual(["a", "a", "a"]);
    expect(b.outbox().map((one) => one.state)).toEqual(["failed", "failed"]);
  });

  it("goes on in order after a retry of any of them", async () => {
    let line = false;
    const b = bench([item("a"), item("b"), item("c")], (one) => (line ? good(one) : fault(503)));
    void b.sender.pump();
    await flush();
    line = true;
    b.sender.retry("c");
    await flush();
    expect(b.stored).toEqual(["a", "b", "c"]);
  });

  it("a refusal for good does not hold up the others", async () => {
    const b = bench([item("a"), item("b")], (one) =>
      one.clientId === "a" ? fault(422, "message.too_long") : good(one),
    );
    void b.sender.pump();
    await flush();
    expect(b.stored).toEqual(["b"]);
    expect(b.outbox()).toMatchObject([{ clientId: "a", state: "failed", refused: true }]);
    b.sender.retry(null);
    await flush();
    expect(b.calls.filter((one) => one.clientId === "a")).toHaveLength(1);
    b.sender.discard("a");
    expect(b.outbox()).toEqual([]);
  });

  it("continues a conversation that ended meanwhile, and starts anew when it is gone", async () => {
    const b = bench([item("a")], (one, nth) =>
      nth === 1
        ? fault(409, "conversation.ended")
        : nth === 2
          ? fault(404, "conversation.not_found")
          : good(one),
    );
    void b.sender.pump();
    await flush();
    expect(b.calls.map((one) => [one.conversationId, one.reopen, one.clientId])).toEqual([
      [42, false, "a"],
      [42, true, "a"],
      [null, false, "a"],
    ]);
    expect(b.stored).toEqual(["a"]);
  });

  it("drops a dead token and sends again, but not for ever", async () => {
    const b = bench([item("a")], () => fault(401, "auth.invalid"));
    void b.sender.pump();
    await flush();
    expect(b.strangers()).toBe(3);
    expect(b.outbox()[0]?.state).toBe("failed");
  });

  it("waits as long as the server asks, unless that is too long", async () => {
    const b = bench([item("a")], (one, nth) => (nth === 1 ? fault(429, "limit", 5) : good(one)));
    void b.sender.pump();
    await vi.advanceTimersByTimeAsync(4_900);
    expect(b.calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(b.stored).toEqual(["a"]);
    const long = bench([item("a")], () => fault(429, "limit", 3600));
    void long.sender.pump();
    await flush();
    expect(long.calls).toHaveLength(1);
    expect(long.outbox()[0]?.state).toBe("failed");
  });

  it("keeps the order and stores each once under any weather", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const roll = dice(seed);
      const names = ["a", "b", "c", "d", "e"];
      const server: string[] = [];
      const b = bench(
        names.map((name) => item(name)),
        (one) => {
          const luck = roll(4);
          // 1: lost on the way, 2: stored but the answer lost.
          if (luck === 1) return fault(0, "network");
          if (!server.includes(one.clientId)) server.push(one.clientId);
          return luck === 2 ? fault(0, "network") : good(one);
        },
      );
      void b.sender.pump();
      for (let round = 0; round < 40 && b.outbox().length; round++) {
        await flush();
        b.sender.retry(roll(2) ? null : (b.outbox()[roll(b.outbox().length)]?.clientId ?? null));
      }
      await flush();
      expect(server).toEqual(names);
      expect(b.stored).toEqual(names);
    }
  });
});

const file = (key: string | null) => ({
  key,
  kind: "file" as const,
  state: "stored" as const,
  name: "a.txt",
  content_type: "",
  size: 1,
  width: null,
  height: null,
  duration_ms: null,
  peaks: [],
  url: null,
  thumb_url: null,
  error: null,
});

describe("a message with a file", () => {
  it("waits for its file, and what was written after it waits too", async () => {
    const b = bench([item("a", { media: file(null) }), item("b"), item("c", { conversationId: 7 })], good);
    void b.sender.pump();
    await flush();
    expect(b.stored).toEqual(["c"]);
    b.sender.edit("a", { media: file("k1") });
    await flush();
    expect(b.stored).toEqual(["c", "a", "b"]);
    expect(b.calls[1]?.media?.key).toBe("k1");
  });

  it("whose upload failed for the line holds the others up, one that was refused does not", async () => {
    const b = bench([item("a", { media: file(null) }), item("b")], good);
    b.sender.edit("a", { state: "failed" });
    await flush();
    expect(b.stored).toEqual([]);
    b.sender.edit("a", { state: "failed", refused: true });
    await flush();
    expect(b.stored).toEqual(["b"]);
  });

  it("keeps its key over a lost line and is stored once", async () => {
    const b = bench([item("a", { media: file("k1") })], (one, nth) => (nth < 3 ? fault(0) : good(one)));
    void b.sender.pump();
    await flush();
    expect(b.calls.map((one) => [one.clientId, one.media?.key])).toEqual([
      ["a", "k1"],
      ["a", "k1"],
      ["a", "k1"],
    ]);
    expect(b.stored).toEqual(["a"]);
  });
});

describe("outbox", () => {
  it("one conversation does not wait for another", () => {
    const list = [item("a", { state: "failed" }), item("b"), item("c", { conversationId: 7 })];
    expect(nextToSend(list)?.clientId).toBe("c");
  });

  it("a retry of one leaves other conversations alone", () => {
    const list = [item("a", { state: "failed" }), item("b", { state: "failed", conversationId: 7 })];
    expect(revive(list, "a").map((one) => one.state)).toEqual(["sending", "failed"]);
  });

  it("reads only what looks like one", () => {
    expect(readOutbox(null)).toEqual([]);
    expect(readOutbox([1, {}, null, item("a"), { ...item("b"), body: 5 }])).toEqual([item("a")]);
  });
});
