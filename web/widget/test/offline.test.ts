import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { merge, read } from "../src/facts";
import type { Answer, Fault } from "../src/http";
import { initialState, reduce, type State } from "../src/model/state";
import { choicesOf, isAway } from "../src/model/view";
import { type BoxPorts, openBox } from "../src/offline/box";
import { backText } from "../src/offline/texts";
import { openVault } from "../src/vault";
import type { OfflineAnswer, OfflineRequest } from "../src/wire";
import { answer, contact, conversation, dice, message, own } from "./samples";

const fault = (status: number, code = "x", wait = 0): Fault => ({
  ok: false,
  status,
  code,
  message: "",
  wait,
});
const good: Answer<OfflineAnswer> = { ok: true, value: { token: "vt_1", contact, conversation_id: 7 } };
const words = { name: " Kim ", email: " kim@shop.example ", message: " Hello " };

function bench(script: (entry: OfflineRequest, nth: number) => Answer<OfflineAnswer>, told = {}) {
  const calls: OfflineRequest[] = [];
  const accepted: number[] = [];
  const changes: unknown[] = [];
  const end = new AbortController();
  let ids = 0;
  let strangers = 0;
  const ports: BoxPorts = {
    vault: openVault("w_1"),
    http: {
      tell: async <T>(_path: string, body: Record<string, unknown>) => {
        calls.push(body as unknown as OfflineRequest);
        return script(body as unknown as OfflineRequest, calls.length) as Answer<T>;
      },
    },
    key: "w_1",
    backoff: () => 1000,
    transient: ({ status }) => status === 0 || status === 429 || status >= 500,
    uuid: () => `c${localStorage.length}-${++ids}`,
    visit: () => ({ url: "https://shop.example/" }) as OfflineRequest["visit"],
    told: () => told,
    contact: () => null,
    signal: end.signal,
    leave: () => {
      strangers++;
    },
    report: () => undefined,
    accepted: (one) => accepted.push(one.conversation_id),
    change: (facts) => changes.push(facts),
  };
  const box = openBox(ports);
  return { box, calls, accepted, changes, end, strangers: () => strangers };
}
const stored = () => JSON.parse(localStorage.getItem("parley:w_1:offline") ?? "[]");
const flush = (ms = 60_000) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

describe("messages that are left while nobody is there", () => {
  it("are sent, trimmed, and forgotten when they are stored", async () => {
    const b = bench(() => good);
    b.box.leave(words);
    expect(stored()).toHaveLength(1);
    await flush();
    expect(b.calls[0]).toMatchObject({ name: "Kim", email: "kim@shop.example", message: "Hello" });
    expect(b.box.state()).toEqual({ is: "sent", email: "kim@shop.example", conversationId: 7 });
    expect(stored()).toEqual([]);
  });

  it("wait for the line, over a reload too, under the same id", async () => {
    const b = bench(() => fault(0, "network"));
    b.box.leave(words);
    await flush();
    expect(b.box.state().is).toBe("waiting");
    b.end.abort();
    await flush();
    const before = b.calls.length;
    await flush();
    expect(b.calls).toHaveLength(before);
    const later = bench(() => good);
    await flush();
    expect(later.calls.map((one) => one.client_id)).toEqual([b.calls[0]?.client_id]);
    expect(later.accepted).toEqual([7]);
  });

  it("go out at once when the browser is online again", async () => {
    let line = false;
    const b = bench(() => (line ? good : fault(429, "limit", 3600)));
    b.box.leave(words);
    await flush(10);
    expect(b.box.state().is).toBe("waiting");
    line = true;
    window.dispatchEvent(new Event("online"));
    await flush(10);
    expect(b.accepted).toEqual([7]);
  });

  it("come back when the server refuses them, and no word is lost", async () => {
    const b = bench(() => fault(422, "field.invalid"));
    b.box.leave(words);
    await flush();
    expect(b.calls).toHaveLength(1);
    expect(b.box.state()).toEqual({ is: "refused", code: "field.invalid" });
    expect(bench(() => good).calls).toHaveLength(0);
    expect(b.box.takeBack()).toMatchObject({ message: "Hello", email: "kim@shop.example" });
    expect(b.box.takeBack()).toBeNull();
  });

  it("go without what the page added, when that is what the server does not take", async () => {
    const b = bench((one) => (one.claimed ? fault(422, "custom.invalid") : good), {
      claimed: { id: "u1", traits: {} },
    });
    b.box.leave(words);
    await flush();
    expect(b.calls.map((one) => one.claimed?.id)).toEqual(["u1", undefined]);
    expect(b.accepted).toEqual([7]);
  });

  it("take one claim along; what the page told besides and later follows", async () => {
    const told: Parameters<typeof merge>[0] = { claimed: { id: "user1", traits: {} } };
    const b = bench(() => good, told);
    b.box.leave(words);
    await flush();
    expect(b.changes).toEqual([]);
    b.box.leave(words);
    // While the message is on its way.
    told.claimed = { id: "user2", traits: { plan: "gold" } };
    told.contact = { name: "Kim" };
    await flush();
    expect(b.calls.map((one) => one.claimed?.id)).toEqual(["user1", "user1"]);
    expect(b.changes).toEqual([{ claimed: told.claimed, name: "Kim" }]);
    b.end.abort();
  });

  it("do not send a claim again that the server did not take", async () => {
    const told = { claimed: { id: "user1", traits: {} }, custom: { a: 1 } };
    const b = bench((entry) => (entry.claimed ? fault(422, "field.invalid") : good), told);
    b.box.leave(words);
    await flush();
    expect(b.changes).toEqual([{ custom: { a: 1 } }]);
    b.end.abort();
  });

  it("drop a dead token, but not for ever", async () => {
    const b = bench(() => fault(401, "auth.invalid"));
    b.box.leave(words);
    await flush();
    expect(b.strangers()).toBe(3);
    expect(b.box.state().is).toBe("refused");
  });

  it("are stored once each, in order, under any weather", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      localStorage.clear();
      const roll = dice(seed);
      const server: string[] = [];
      const b = bench((one) => {
        const luck = roll(4);
        if (luck === 1) return fault(0);
        if (!server.includes(one.client_id)) server.push(one.client_id);
        return luck === 2 ? fault(503) : good;
      });
      b.box.leave(words);
      b.box.leave({ ...words, message: "two" });
      b.box.leave({ ...words, message: "three" });
      await flush(300_000);
      expect(server).toHaveLength(3);
      expect(stored()).toEqual([]);
      b.end.abort();
    }
  });

  it("survive nonsense in the storage", () => {
    localStorage.setItem("parley:w_1:offline", '[1, null, {}, {"client_id": 5}]');
    expect(bench(() => good).calls).toHaveLength(0);
  });
});

describe("where the form is shown", () => {
  const away: State = {
    ...initialState({ ...answer, offline_form: true, availability: "offline" }),
    settled: true,
  };
  it("only while nobody is there and nothing goes on", () => {
    expect(isAway(away)).toBe(true);
    expect(isAway({ ...away, settled: false })).toBe(false);
    expect(isAway({ ...away, availability: "away" })).toBe(false);
    expect(isAway({ ...away, answer: { ...away.answer, offline_form: false } })).toBe(false);
    expect(isAway({ ...away, answer: { ...away.answer, identity_required: true } })).toBe(false);
    expect(isAway({ ...away, conversations: [conversation()] })).toBe(false);
    expect(isAway({ ...away, conversations: [conversation({ status: "ended" })] })).toBe(true);
    const invitation = {
      id: 1,
      secret: "s",
      body: "Hi",
      operator: { name: "Ann", image_url: "" },
      created_at: "",
    };
    expect(isAway({ ...away, invitation })).toBe(false);
  });
});

describe("answers to choose from", () => {
  const start: State = { ...initialState(answer), conversationId: 42, conversations: [conversation()] };
  const page = (...messages: ReturnType<typeof message>[]) =>
    reduce(start, { do: "newest", id: 42, page: messages, hasMore: false });
  it("are those of the newest message, until it is answered", () => {
    const asked = message(2, { choices: ["Yes", "No"] });
    expect(choicesOf(page(own(1), asked))).toEqual(["Yes", "No"]);
    expect(choicesOf(page(own(1), asked, message(3)))).toEqual([]);
    expect(choicesOf(page(own(1), asked, own(3)))).toEqual([]);
    expect(choicesOf(page(own(1), asked, message(3, { type: "event" })))).toEqual(["Yes", "No"]);
    const ended = page(own(1), asked);
    expect(choicesOf({ ...ended, conversations: [conversation({ status: "ended" })] })).toEqual([]);
  });
});

describe("when we are back", () => {
  const now = new Date(2026, 10, 22, 18, 0);
  const at = (day: number, hour: number) => new Date(2026, 10, day, hour, 30).toISOString();
  it("says so in the visitor's words", () => {
    const say = (opens: string | null, lang: string, locale: string) => backText(opens, now, lang, locale);
    expect(say(at(22, 20), "en", "en-GB")).toBe("We are back today at 20:30.");
    expect(say(at(23, 9), "en", "en-GB")).toBe("We are back tomorrow at 09:30.");
    expect(say(at(25, 9), "en", "en-GB")).toBe("We are back on Wednesday at 09:30.");
    expect(say(at(30, 9), "en", "en-GB")).toBe("We are back on 30 November at 09:30.");
    expect(say(at(25, 9), "de", "de-DE")).toBe("Wir sind am Mittwoch um 09:30 Uhr wieder da.");
    expect(say(at(23, 9), "de", "de-DE")).toBe("Wir sind morgen um 09:30 Uhr wieder da.");
    expect(say(at(21, 9), "en", "en-GB")).toBe("");
    expect(say(null, "en", "en-GB")).toBe("");
    expect(say("nonsense", "en", "en-GB")).toBe("");
  });
});

describe("what a page tells", () => {
  it("is cut, copied and kept together", () => {
    const traits = { plan: "gold" };
    const claimed = read("claimed", { id: "x".repeat(300), traits }, {});
    traits.plan = "changed";
    expect(claimed.claimed?.id).toHaveLength(200);
    expect(claimed.claimed?.traits).toEqual({ plan: "gold" });
    expect(read("claimed", { id: 1234 }, {})).toEqual({ claimed: { id: "1234", traits: {} } });
    let told = merge({}, read("contact", { name: "Kim", additional02: "two", phone: 5 }, {}));
    told = merge(told, read("contact", { email: "kim@shop.example" }, told));
    told = merge(merge(told, { custom: { a: 1 } }), { custom: { b: 2 } });
    expect(told).toEqual({
      contact: {
        name: "Kim",
        email: "kim@shop.example",
        additional: [null, { name: "", value: "two" }, null],
      },
      custom: { a: 1, b: 2 },
    });
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    expect(() => read("custom", loop, {})).toThrow();
  });
});
