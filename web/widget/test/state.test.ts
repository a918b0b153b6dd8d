import { describe, expect, it } from "vitest";
import type { OutboxItem } from "../src/model/outbox";
import { type Change, initialState, mergeConversation, reduce, type State } from "../src/model/state";
import { landing, rowsOf, unreadOf } from "../src/model/view";
import type { Media, Message } from "../src/wire";
import { answer, contact, conversation, dice, message, moment, own, shuffle } from "./samples";

const item = (clientId: string, more: Partial<OutboxItem> = {}): OutboxItem => ({
  clientId,
  body: clientId,
  conversationId: 42,
  reopen: false,
  writtenAt: moment(30),
  state: "sending",
  refused: false,
  tries: 0,
  ...more,
});
const run = (state: State, ...changes: Change[]) => changes.reduce(reduce, state);
const start = (more: Partial<State> = {}): State => ({
  ...initialState(answer),
  conversationId: 42,
  ...more,
});
const bubbles = (state: State) => rowsOf(state).filter((row) => row.kind === "bubble");

describe("what the visitor said about the conversation", () => {
  it("a feedback is a bubble of theirs, a rating and an answer are lines, a goal is nothing to see", () => {
    const about = (number: number, type: Message["type"], body = "") =>
      own(number, `c${number}`, {
        type,
        body,
        client_id: null,
        event: { name: type === "event" ? "goal" : type },
      });
    const state = run(start(), {
      do: "newest",
      id: 42,
      page: [own(1), about(2, "event"), about(3, "rating"), about(4, "feedback", "Kind"), about(5, "survey")],
      hasMore: false,
    });
    const rows = rowsOf(state).filter((row) => row.kind !== "day");
    expect(rows.map((row) => row.kind)).toEqual(["bubble", "event", "bubble", "event"]);
    expect(rows[2]).toMatchObject({ own: true, body: "Kind" });
    expect(state.conversations.length).toBe(0);
  });
});

describe("events in any order", () => {
  // What the server tells of one conversation, in the order it happened.
  const story: Change[] = [];
  const end = 24;
  for (let number = 1; number <= end; number++) {
    const said = number % 3 === 0 ? message(number) : own(number);
    story.push({
      do: "conversation",
      conversation: conversation({
        updated_at: moment(number),
        message_count: number,
        last_message: said,
        operator_read: number - (number % 4),
        contact_delivered: number - (number % 2),
        contact_read: number - (number % 5),
        status: number === end ? "ended" : "open",
        rating: number >= end - 2 ? 1 + (number % 5) : null,
        feedback: number === end,
      }),
      message: said,
    });
  }
  const inOrder = run(start(), ...story);

  it("ends the same however late, doubled or mixed up they come", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const roll = dice(seed);
      const doubled = [...story, ...story.filter(() => roll(2) === 0)];
      const state = run(start(), ...shuffle(doubled, roll));
      expect(state.threads[42]).toEqual(inOrder.threads[42]);
      expect(state.conversations).toEqual(inOrder.conversations);
      expect(rowsOf(state)).toEqual(rowsOf(inOrder));
    }
  });

  it("pages of history and live news meet without a double or a hole", () => {
    const all = Array.from({ length: 200 }, (_, i) => (i % 4 ? message(i + 1) : own(i + 1)));
    for (let seed = 1; seed <= 200; seed++) {
      const roll = dice(seed);
      const known = 1 + roll(190);
      let state = run(start(), {
        do: "newest",
        id: 42,
        page: all.slice(Math.max(0, known - 50), known),
        hasMore: known > 50,
      });
      for (const one of shuffle(all.slice(known, known + roll(20)), roll)) {
        state = run(state, { do: "conversation", conversation: conversation(), message: one });
      }
      // After sleep: the newest page again, then up to the beginning.
      state = run(state, { do: "newest", id: 42, page: all.slice(150), hasMore: true });
      for (let guard = 0; state.threads[42]?.hasMore && guard < 10; guard++) {
        const first = (state.threads[42].messages[0]?.number ?? 1) - 1;
        const page = all.slice(Math.max(0, first - 50), first);
        state = run(state, { do: "older", id: 42, page, hasMore: first > 50 });
      }
      const numbers = state.threads[42]?.messages.map((one) => one.number) ?? [];
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(numbers.length, `seed ${seed}, known ${known}`).toBe(200);
    }
  });

  it("a straggler does not hide a hole", () => {
    const page = Array.from({ length: 50 }, (_, i) => message(151 + i));
    const state = run(
      start(),
      { do: "newest", id: 42, page: [message(1), message(2)], hasMore: false },
      { do: "conversation", conversation: conversation(), message: message(170) },
      { do: "newest", id: 42, page, hasMore: true },
    );
    expect(state.threads[42]?.messages[0]?.number).toBe(151);
    expect(state.threads[42]?.hasMore).toBe(true);
  });
});

describe("a changed message", () => {
  const media = (state: Media["state"]): Media => ({
    kind: "image",
    state,
    name: "a.png",
    content_type: "image/png",
    size: 1,
    width: null,
    height: null,
    duration_ms: null,
    peaks: [],
    url: state === "stored" ? "https://chat.example/media/a" : null,
    thumb_url: null,
    error: null,
  });
  const link = { url: "https://x.example", title: "X", description: "", site: "", image_url: null };
  const tell = (one: Message): Change => ({
    do: "conversation",
    conversation: conversation({ last_message: one, message_count: 1 }),
    message: one,
  });
  const shown = (state: State) => state.threads[42]?.messages[0];

  it("takes the place of what it was, also as the last one of its conversation", () => {
    const edited = message(1, { body: "after", edited_at: moment(5) });
    const state = run(start(), tell(message(1)), tell(edited));
    expect(shown(state)).toEqual(edited);
    expect(state.threads[42]?.messages).toHaveLength(1);
    expect(state.conversations[0]?.last_message?.body).toBe("after");
  });

  it("stays deleted, and edited, whatever comes late", () => {
    const story = [
      message(1),
      message(1, { body: "second", edited_at: moment(5) }),
      message(1, { body: "third", edited_at: moment(6), link }),
      message(1, { body: "", edited_at: moment(6), deleted_at: moment(7) }),
    ];
    for (let end = 1; end <= story.length; end++) {
      const told = story.slice(0, end).map(tell);
      for (let seed = 1; seed <= 20; seed++) {
        const state = run(start(), ...shuffle([...told, ...told], dice(seed)));
        expect(shown(state), `${end} ${seed}`).toEqual(story[end - 1]);
      }
    }
  });

  it("keeps a card and a file that an older view does not know, and climbs in state all the same", () => {
    const found = own(1, "c1", { link, media: media("stored") });
    const older = own(1, "c1", { media: media("fetching"), state: "delivered" });
    expect(shown(run(start(), tell(found), tell(older)))).toMatchObject({
      link,
      media: { state: "stored" },
      state: "delivered",
    });
    // A fetch that is tried again is fetching again.
    const failed = own(1, "c1", { media: media("failed") });
    expect(shown(run(start(), tell(failed), tell(older)))?.media?.state).toBe("fetching");
  });

  it("is the same object while nothing changed", () => {
    const first = run(start(), tell(message(1, { link })));
    const second = run(first, tell(message(1, { link })));
    expect(second.threads[42]).toBe(first.threads[42]);
  });

  it("with a file is something that was said, in rows and with what the screen needs", () => {
    const state = run(
      start({
        outbox: [item("a", { media: { ...media("stored"), key: null } })],
      }),
      tell(message(1, { type: "media", body: "", media: media("stored") })),
    );
    expect(bubbles(state).map((row) => [row.body, row.rich?.media?.name])).toEqual([
      ["", "a.png"],
      ["a", "a.png"],
    ]);
    expect(bubbles(run(start(), tell(message(1))))[0]?.rich).toBeNull();
  });
});

describe("a conversation that moved", () => {
  it("is not where new words go", () => {
    const moved = conversation({ id: 1, moved: true, updated_at: moment(9) });
    expect(landing([moved, conversation({ id: 2 })])).toBe(2);
    expect(landing([moved])).toBe(1);
  });
});

describe("own messages", () => {
  it("are one bubble with one key from writing to reading", () => {
    let state = start({ outbox: [item("a")] });
    const key = bubbles(state)[0]?.key;
    expect(bubbles(state)[0]).toMatchObject({ state: "sending", own: true });
    state = run(state, { do: "conversation", conversation: conversation(), message: own(1, "a") });
    expect(state.outbox).toEqual([]);
    expect(bubbles(state)).toHaveLength(1);
    expect(bubbles(state)[0]).toMatchObject({ key, state: "sent", number: 1 });
    state = run(state, {
      do: "conversation",
      conversation: conversation({ operator_read: 1 }),
      message: null,
    });
    expect(bubbles(state)[0]).toMatchObject({ key, state: "read" });
    // The answer of the request comes last and knows less.
    state = run(state, { do: "conversation", conversation: conversation(), message: own(1, "a") });
    expect(bubbles(state)).toHaveLength(1);
    expect(bubbles(state)[0]?.state).toBe("read");
  });

  it("take what was written behind them into the new conversation", () => {
    const waiting = [
      item("a", { conversationId: null }),
      item("b", { conversationId: null }),
      item("x", { conversationId: 7 }),
    ];
    const state = run(start({ conversationId: null, outbox: waiting }), {
      do: "conversation",
      conversation: conversation(),
      message: own(1, "a"),
    });
    expect(state.conversationId).toBe(42);
    expect(state.outbox.map((one) => [one.clientId, one.conversationId])).toEqual([
      ["b", 42],
      ["x", 7],
    ]);
    expect(bubbles(state).map((one) => one.clientId)).toEqual(["a", "b"]);
  });

  it("of another tab appear without touching what this tab shows", () => {
    const state = run(start({ conversationId: null }), {
      do: "conversation",
      conversation: conversation(),
      message: own(1, "from-elsewhere"),
    });
    expect(state.conversationId).toBeNull();
    expect(state.threads[42]?.messages).toHaveLength(1);
  });

  it("found in a page after a reload leave the outbox", () => {
    const state = run(start({ outbox: [item("a"), item("b")] }), {
      do: "newest",
      id: 42,
      page: [own(1, "a")],
      hasMore: false,
    });
    expect(state.outbox.map((one) => one.clientId)).toEqual(["b"]);
  });
});

describe("unread", () => {
  const unread = conversation({ message_count: 3, unread: 2, updated_at: moment(3) });

  it("goes to zero on reading and does not come back with old news", () => {
    let state = run(start(), { do: "conversation", conversation: unread, message: message(3) });
    expect(unreadOf(state.conversations)).toBe(2);
    state = run(state, { do: "read", id: 42, number: 3 });
    expect(unreadOf(state.conversations)).toBe(0);
    state = run(state, { do: "conversation", conversation: unread, message: null });
    expect(unreadOf(state.conversations)).toBe(0);
    state = run(state, { do: "snapshot", contact, conversations: [unread] });
    expect(unreadOf(state.conversations)).toBe(0);
    const more = conversation({ message_count: 4, unread: 1, contact_read: 3, updated_at: moment(4) });
    state = run(state, { do: "conversation", conversation: more, message: message(4) });
    expect(unreadOf(state.conversations)).toBe(1);
  });

  it("follows what another device has read", () => {
    const read = conversation({ ...unread, unread: 0, contact_read: 3 });
    expect(mergeConversation(unread, read).unread).toBe(0);
    expect(mergeConversation(read, unread).unread).toBe(0);
  });
});

describe("status", () => {
  it("is the latest, whatever comes last", () => {
    const ended = conversation({ status: "ended", updated_at: moment(9) });
    const open = conversation({ status: "open", updated_at: moment(8) });
    expect(mergeConversation(ended, open).status).toBe("ended");
    expect(mergeConversation(open, ended).status).toBe("ended");
    expect(mergeConversation(ended, conversation({ status: "open", updated_at: moment(10) })).status).toBe(
      "open",
    );
  });
});

describe("rows", () => {
  it("are grouped by sender and time, and parted by days and events", () => {
    const state = run(start(), {
      do: "newest",
      id: 42,
      page: [
        own(1),
        own(2),
        message(3),
        message(4, { sent_at: "2026-11-22T12:00:00.000000Z" }),
        message(5, { type: "event", event: { name: "ended" }, sent_at: "2026-11-22T12:01:00.000000Z" }),
        message(6, { sent_at: "2026-11-24T12:00:00.000000Z" }),
      ],
      hasMore: false,
    });
    expect(
      rowsOf(state).map((row) =>
        row.kind === "bubble" ? `${row.first ? "(" : ""}${row.number}${row.last ? ")" : ""}` : row.kind,
      ),
    ).toEqual(["day", "(1", "2)", "(3)", "(4)", "event", "day", "(6)"]);
  });
});

describe("typing", () => {
  it("ends with the message", () => {
    const typing = { conversationId: 42, name: "Ann" };
    expect(
      run(start({ typing }), { do: "conversation", conversation: conversation(), message: message(1) })
        .typing,
    ).toBeNull();
    expect(
      run(start({ typing }), { do: "conversation", conversation: conversation(), message: own(1) }).typing,
    ).toBe(typing);
  });
});

describe("landing", () => {
  it("prefers the unread, then the running, then the last", () => {
    const a = conversation({ id: 1, status: "ended" });
    const b = conversation({ id: 2 });
    const c = conversation({ id: 3, status: "ended", unread: 1 });
    expect(landing([])).toBeNull();
    expect(landing([a])).toBe(1);
    expect(landing([a, b])).toBe(2);
    expect(landing([a, b, c])).toBe(3);
  });
});

describe("forget", () => {
  it("leaves nothing of the visitor", () => {
    const state = run(
      start({ outbox: [item("a")], contact, open: true, signedIn: true }),
      { do: "conversation", conversation: conversation(), message: message(1) },
      { do: "forget" },
    );
    expect(state).toEqual({ ...initialState(answer), open: true, settled: true });
  });
});
