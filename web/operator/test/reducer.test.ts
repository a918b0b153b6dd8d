import { describe, expect, it } from "vitest";
import type { Conversation, Event, Message, Session } from "../src/api/types.ts";
import {
  afterEvent,
  applyToConversation,
  applyToCounts,
  applyToList,
  applyToThread,
  messageState,
  shiftCounts,
  withAnswer,
  withAnsweredMessage,
  withChanged,
  withMessage,
} from "../src/realtime/reducer.ts";
import { EVERY_STATUS, type ListFilter, type ListSnapshot, NOT_ENDED } from "../src/realtime/snapshots.ts";
import { conversation, event, media, message, operator } from "./samples.ts";

const ME = 1;
const ALL: ListFilter = { view: "all", statuses: NOT_ENDED };
const MINE: ListFilter = { view: "mine", statuses: NOT_ENDED };
const UNASSIGNED: ListFilter = { view: "unassigned", statuses: NOT_ENDED };

function list(...items: Conversation[]): ListSnapshot {
  return { seq: 10, items, nextCursor: null };
}

function received(seq: number, of: Conversation, number: number, at: string): Event {
  const line = message({ conversation_id: of.id, number, sent_at: at });
  const { unread: _, last_message: __, ...rest } = of;
  return event("message.received", seq, {
    conversation: { ...rest, message_count: number, updated_at: at },
    message: line,
  });
}

describe("a list", () => {
  const older = conversation({ id: 1, updated_at: "2026-11-22T10:00:00.000000Z" });
  const newer = conversation({ id: 2, updated_at: "2026-11-22T11:00:00.000000Z" });

  it("moves a conversation with a new message to the top and counts it as unread", () => {
    const after = applyToList(
      list(newer, older),
      received(11, older, 2, "2026-11-22T12:00:00.000000Z"),
      ALL,
      ME,
    );
    expect(after.items.map((item) => item.id)).toEqual([1, 2]);
    expect(after.items[0]?.unread).toBe(1);
    expect(after.items[0]?.last_message?.number).toBe(2);
    expect(after.seq).toBe(11);
  });

  it("ignores an event it already contains", () => {
    const before = list(newer, older);
    expect(applyToList(before, received(10, older, 2, "2026-11-22T12:00:00.000000Z"), ALL, ME)).toBe(before);
  });

  it("gives the same list however often an event comes", () => {
    const once = applyToList(
      list(newer, older),
      received(11, older, 2, "2026-11-22T12:00:00.000000Z"),
      ALL,
      ME,
    );
    const twice = applyToList(once, received(11, older, 2, "2026-11-22T12:00:00.000000Z"), ALL, ME);
    expect(twice).toBe(once);
  });

  it("leaves the rows that an event does not touch as they are", () => {
    const after = applyToList(
      list(newer, older),
      received(11, older, 2, "2026-11-22T12:00:00.000000Z"),
      ALL,
      ME,
    );
    expect(after.items[1]).toBe(newer);
  });

  it("takes a conversation out when it no longer belongs, and into the list where it does", () => {
    const taken = { ...older, operator: operator(ME), updated_at: "2026-11-22T12:00:00.000000Z" };
    const change = event("conversation.assigned", 11, { conversation: taken });
    expect(applyToList(list(newer, older), change, UNASSIGNED, ME).items.map((item) => item.id)).toEqual([2]);
    expect(applyToList(list(), change, MINE, ME, older).items.map((item) => item.id)).toEqual([1]);
  });

  it("shows an ended conversation only where ended ones are wanted", () => {
    const ended = { ...older, status: "ended" as const, updated_at: "2026-11-22T12:00:00.000000Z" };
    const change = event("conversation.ended", 11, { conversation: ended });
    expect(applyToList(list(older), change, ALL, ME).items).toEqual([]);
    const every: ListFilter = { view: "all", statuses: EVERY_STATUS };
    expect(applyToList(list(older), change, every, ME).items[0]?.status).toBe("ended");
  });

  it("leaves what belongs behind the last loaded row to a later page", () => {
    const unfinished: ListSnapshot = { seq: 10, items: [newer], nextCursor: "c" };
    const old = conversation({ id: 9, updated_at: "2026-11-01T00:00:00.000000Z" });
    const after = applyToList(
      unfinished,
      event("conversation.status_changed", 11, { conversation: old }),
      ALL,
      ME,
    );
    expect(after.items.map((item) => item.id)).toEqual([2]);
  });

  it("keeps its order with ten thousand rows", () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      conversation({
        id: index + 1,
        updated_at: new Date(Date.UTC(2026, 0, 1) - index * 1000).toISOString(),
      }),
    );
    let current: ListSnapshot = { seq: 0, items: many, nextCursor: null };
    const begin = performance.now();
    for (let n = 1; n <= 100; n += 1) {
      const target = many[(n * 97) % many.length];
      if (!target) continue;
      const at = new Date(Date.UTC(2026, 1, 1) + n * 1000).toISOString();
      current = applyToList(current, received(n, target, 2, at), ALL, ME);
    }
    const passed = performance.now() - begin;
    expect(current.items).toHaveLength(10_000);
    for (let index = 1; index < 200; index += 1) {
      expect((current.items[index - 1]?.updated_at ?? "") >= (current.items[index]?.updated_at ?? "")).toBe(
        true,
      );
    }
    expect(passed / 100).toBeLessThan(10);
  });
});

describe("a conversation", () => {
  it("takes watermarks only forward", () => {
    const before = conversation({ id: 1, message_count: 5, contact_read: 4, contact_delivered: 5 });
    const late = event("conversation.read", 12, {
      conversation: { id: 1, contact_read: 2, contact_delivered: 2 },
    });
    const after = applyToConversation({ seq: 11, conversation: before }, late).conversation;
    expect(after.contact_read).toBe(4);
    expect(after.contact_delivered).toBe(5);
  });

  it("has nothing unread once operators read up to its end", () => {
    const before = conversation({ id: 1, message_count: 5, operator_read: 3, unread: 2 });
    const { unread: _, ...rest } = before;
    const read = event("conversation.read", 12, { conversation: { ...rest, operator_read: 5 } });
    expect(afterEvent(before, read)?.unread).toBe(0);
  });

  it("follows a change of its contact and of its operator", () => {
    const before = conversation({ id: 1, operator: operator(2) });
    const contact = { ...before.contact, name: "Other", display_name: "Other" };
    expect(afterEvent(before, event("contact.updated", 12, { contact }))?.contact.display_name).toBe("Other");
    const away = { ...operator(2), status: "away" as const };
    expect(
      afterEvent(before, event("operator.status_changed", 13, { operator: away }))?.operator?.status,
    ).toBe("away");
    expect(
      afterEvent(before, event("operator.status_changed", 13, { operator: operator(3) })),
    ).toBeUndefined();
  });
});

describe("what a contact says about a conversation", () => {
  const session: Session = {
    id: 5,
    number: 2,
    started_at: "2026-11-22T09:00:00.000000Z",
    ended_at: null,
    end_reason: null,
    visit: null,
  };
  const rating = { value: 4, form: "stars" as const };

  it("comes with the session of the event", () => {
    const before = conversation({ id: 1, session });
    const rated = event("rating.given", 12, {
      conversation: { id: 1, rating: 4 },
      session: { ...session, rating },
    });
    const after = afterEvent(before, rated);
    expect(after?.rating).toBe(4);
    expect(after?.session?.rating).toEqual(rating);
    expect(after?.unread).toBe(0);
  });

  it("stays when a later event does not mention it", () => {
    const before = conversation({ id: 1, session: { ...session, rating, goal: { id: 1, name: "Order" } } });
    const later = event("message.sent", 13, { conversation: { id: 1, status: "open" }, session });
    expect(afterEvent(before, later)?.session).toMatchObject({ rating, goal: { name: "Order" } });
  });

  it("does not go from an earlier session to a later one, nor back", () => {
    const before = conversation({ id: 1, session: { ...session, rating } });
    const next = event("session.started", 14, {
      conversation: { id: 1 },
      session: { ...session, id: 6, number: 3 },
    });
    expect(afterEvent(before, next)?.session?.rating).toBeUndefined();
    const late = event("feedback.given", 15, {
      conversation: { id: 1 },
      session: { ...session, id: 4, number: 1, feedback: "old" },
    });
    expect(afterEvent(before, late)?.session?.id).toBe(5);
  });

  it("keeps tags, flag and free fields when a server does not send them", () => {
    const base = conversation({ id: 1, tags: ["vip"], flagged: true });
    const additional = [
      { name: "Plan", value: "gold" },
      { name: "", value: "" },
      { name: "", value: "" },
    ];
    const before = { ...base, contact: { ...base.contact, additional } };
    const { tags: _, flagged: __, ...rest } = base;
    const after = afterEvent(before, event("message.sent", 16, { conversation: rest }));
    expect(after).toMatchObject({ tags: ["vip"], flagged: true });
    expect(after?.contact.additional).toEqual(additional);
    const unflagged = event("conversation.ended", 17, { conversation: { ...rest, flagged: false } });
    expect(afterEvent(before, unflagged)?.flagged).toBe(false);
  });
});

describe("a thread", () => {
  const lines = [1, 2, 3].map((number) => message({ number }));
  const thread = { seq: 10, items: lines, hasMore: false, gap: false };
  const arrival = (seq: number, line: Message) =>
    event("message.received", seq, { conversation: { id: 1 }, message: line });

  it("appends in order and only once", () => {
    const once = applyToThread(thread, arrival(11, message({ number: 4 })), 1);
    expect(once.items.map((line) => line.number)).toEqual([1, 2, 3, 4]);
    expect(applyToThread(once, arrival(11, message({ number: 4 })), 1)).toBe(once);
    expect(once.gap).toBe(false);
  });

  it("puts a late line at its place", () => {
    const ahead = { ...thread, items: [...lines, message({ number: 5 })] };
    const after = applyToThread(ahead, arrival(11, message({ number: 4 })), 1);
    expect(after.items.map((line) => line.number)).toEqual([1, 2, 3, 4, 5]);
  });

  it("replaces a line with the same number", () => {
    const after = applyToThread(thread, arrival(11, message({ number: 3, body: "changed" })), 1);
    expect(after.items).toHaveLength(3);
    expect(after.items[2]?.body).toBe("changed");
  });

  it("says when a number was skipped", () => {
    expect(applyToThread(thread, arrival(11, message({ number: 6 })), 1).gap).toBe(true);
  });

  it("leaves lines before the loaded part alone", () => {
    const part = { ...thread, items: [message({ number: 7 })], hasMore: true };
    expect(applyToThread(part, arrival(11, message({ number: 2 })), 1).items).toHaveLength(1);
  });
});

describe("the counts", () => {
  const start = { seq: 10, counts: { mine: 1, unassigned: 2, all: 5, attention: 0 }, uncertain: false };
  const free = conversation({ id: 1 });
  const mine = conversation({ id: 1, operator: operator(ME) });

  it("follow a conversation from its beginning to its end", () => {
    let now = applyToCounts(start, event("conversation.created", 11, { conversation: free }), ME, undefined);
    expect(now.counts).toEqual({ mine: 1, unassigned: 3, all: 6, attention: 0 });
    now = applyToCounts(now, event("conversation.assigned", 12, { conversation: mine }), ME, free);
    expect(now.counts).toEqual({ mine: 2, unassigned: 2, all: 6, attention: 0 });
    const ended = { ...mine, status: "ended" as const };
    now = applyToCounts(now, event("conversation.ended", 13, { conversation: ended }), ME, mine);
    expect(now.counts).toEqual({ mine: 1, unassigned: 2, all: 5, attention: 0 });
    expect(now.uncertain).toBe(false);
  });

  it("do not move twice when the answer of a write came before its event", () => {
    const taken = { ...start, counts: shiftCounts(start.counts, free, mine, ME) };
    expect(taken.counts).toEqual({ mine: 2, unassigned: 1, all: 5, attention: 0 });
    const after = applyToCounts(taken, event("conversation.assigned", 11, { conversation: mine }), ME, mine);
    expect(after.counts).toEqual(taken.counts);
  });

  it("notice an operator that came with a reply", () => {
    const sent = event("message.sent", 11, { conversation: mine, message: message({ number: 2 }) });
    expect(applyToCounts(start, sent, ME, free).counts).toEqual({
      mine: 2,
      unassigned: 1,
      all: 5,
      attention: 0,
    });
  });

  it("say when they cannot know", () => {
    expect(
      applyToCounts(start, event("conversation.assigned", 11, { conversation: mine }), ME, undefined)
        .uncertain,
    ).toBe(true);
  });
});

describe("a message's state", () => {
  const talk = conversation({ id: 1, contact_delivered: 4, contact_read: 2, operator_read: 3 });
  const own = (number: number, state: Message["state"] = "sent") =>
    message({ number, state, sender: { type: "operator", id: ME, name: "Ada" } });
  it("climbs with the watermarks", () => {
    expect(messageState(own(2), talk)).toBe("read");
    expect(messageState(own(4), talk)).toBe("delivered");
    expect(messageState(own(5), talk)).toBe("sent");
    expect(messageState(own(2, "failed"), talk)).toBe("failed");
    expect(messageState(message({ number: 3 }), talk)).toBe("read");
    expect(messageState(message({ number: 4 }), talk)).toBe("sent");
  });
});

describe("an answer that its events overtook", () => {
  // The contact's browser reads within milliseconds: the mark comes before the answer to the operator's own write.
  const answer = conversation({ id: 1, message_count: 2, contact_delivered: 1, contact_read: 1 });

  it("does not take the contact's reading back", () => {
    const known = conversation({ id: 1, message_count: 2, contact_delivered: 2, contact_read: 2 });
    const after = withAnswer(known, answer);
    expect(after.contact_read).toBe(2);
    expect(after.contact_delivered).toBe(2);
    expect(
      messageState(message({ number: 2, sender: { type: "operator", id: ME, name: "Kim" } }), after),
    ).toBe("read");
  });

  it("does not put an older line over a newer one, and puts in what is missing", () => {
    const read = message({ conversation_id: 1, number: 2, state: "read" });
    const sent = message({ conversation_id: 1, number: 2, state: "sent" });
    expect(withAnsweredMessage([read], sent)).toEqual([read]);
    expect(withAnsweredMessage([], sent)).toEqual([sent]);
  });
});

describe("a message that changes", () => {
  const kim = { type: "operator" as const, id: ME, name: "Kim" };
  const at = (state: Message["state"], fields: Partial<Message> = {}) =>
    message({ number: 2, sender: kim, state, ...fields });
  const become = (known: Message, sent: Message) => withMessage([known], sent)[0];

  it("goes from state to state upwards, except that what failed may be sent again", () => {
    expect(become(at("pending"), at("sent"))?.state).toBe("sent");
    expect(become(at("read"), at("delivered"))?.state).toBe("read");
    expect(become(at("delivered"), at("pending"))?.state).toBe("delivered");
    expect(become(at("failed", { state_reason: "410" }), at("pending"))).toMatchObject({ state: "pending" });
    expect(become(at("failed"), at("read"))?.state).toBe("read");
  });

  it("fails with its reason, unless it has arrived", () => {
    const failed = at("failed", { state_code: "channel.refused", state_reason: "410 Gone" });
    expect(become(at("pending"), failed)).toMatchObject({ state: "failed", state_reason: "410 Gone" });
    expect(become(at("sent"), failed)?.state).toBe("failed");
    expect(become(at("delivered"), failed)).toMatchObject({ state: "delivered", state_reason: undefined });
  });

  it("fails after all when an event says that the other side refused it", () => {
    const refused = at("failed", { state_code: "refused", state_reason: "no such number" });
    for (const state of ["pending", "sent", "delivered", "read"] as const) {
      const before = { seq: 5, items: [at(state)], hasMore: false, gap: false };
      const told = (seq: number, now: Message) =>
        event("message.updated", seq, { conversation: conversation({ id: 1 }), message: now });
      const after = applyToThread(before, told(6, refused), 1);
      expect(after.items[0]).toMatchObject({ state: "failed", state_reason: "no such number" });
      expect(applyToThread(after, told(7, at("sent")), 1).items[0]?.state).toBe("sent");
    }
  });

  it("keeps the latest text, and a deletion for good", () => {
    const edited = at("sent", { body: "new", edited_at: "2026-11-22T10:05:00.000000Z" });
    expect(become(at("sent"), edited)?.body).toBe("new");
    expect(become(edited, at("read"))).toMatchObject({
      body: "new",
      state: "read",
      edited_at: edited.edited_at,
    });
    const gone = at("sent", { body: "", deleted_at: "2026-11-22T10:06:00.000000Z" });
    expect(become(edited, gone)).toMatchObject({ body: "", deleted_at: gone.deleted_at });
    expect(become(gone, edited)).toBe(gone);
  });

  it("keeps a file that is there, with the newest address", () => {
    const stored = at("sent", { type: "media", media: media({ url: "/media/k/a?e=1" }) });
    const fetching = at("sent", { type: "media", media: media({ state: "fetching", url: null }) });
    const failed = at("sent", { type: "media", media: media({ state: "failed", url: null, error: "404" }) });
    expect(become(fetching, stored)?.media?.state).toBe("stored");
    expect(become(stored, fetching)?.media?.state).toBe("stored");
    expect(become(failed, fetching)?.media?.state).toBe("fetching");
    const renewed = at("sent", { type: "media", media: media({ url: "/media/k/a?e=2" }) });
    expect(become(stored, renewed)?.media?.url).toBe("/media/k/a?e=2");
  });

  it("changes its line and the list's last line by an event", () => {
    const talk = conversation({ id: 1, message_count: 2, last_message: null });
    const words = message({ number: 2, sender: kim, body: "helo" });
    const before = { seq: 5, items: [message({ number: 1 }), words], hasMore: false, gap: false };
    const corrected = { ...words, body: "hello", edited_at: "2026-11-22T10:05:00.000000Z" };
    const update = event("message.updated", 6, { conversation: talk, message: corrected });
    expect(applyToThread(before, update, 1).items.map((item) => item.body)).toEqual(["message 1", "hello"]);
    const known = { ...talk, last_message: { ...lastOf(words) }, unread: 0 };
    expect(afterEvent(known, update)).toMatchObject({
      last_message: { body: "hello" },
      unread: 0,
      message_count: 2,
    });
    const older = event("message.deleted", 7, {
      conversation: talk,
      message: message({ number: 1, body: "" }),
    });
    expect(afterEvent(known, older)?.last_message?.body).toBe("helo");
    expect(applyToThread(before, older, 1).items[0]?.body).toBe("");
  });

  it("shows the name of a file where it has no words", () => {
    const file = message({ number: 3, type: "media", body: "", media: media({ name: "mug.png" }) });
    const next = afterEvent(
      conversation({ id: 1 }),
      event("message.received", 9, { conversation: { id: 1 }, message: file }),
    );
    expect(next?.last_message).toMatchObject({ type: "media", body: "mug.png" });
  });

  it("takes the answer of a write unless an event came first", () => {
    const before = at("failed");
    const pending = at("pending");
    expect(withChanged([before], before, pending)[0]).toBe(pending);
    const newer = at("sent");
    expect(withChanged([newer], before, pending)[0]).toBe(newer);
  });

  it("is not read while it is on its way over a channel", () => {
    const talk = conversation({ id: 1, contact_read: 9, contact_delivered: 9 });
    expect(messageState(at("pending"), talk)).toBe("pending");
    expect(messageState(at("failed"), talk)).toBe("failed");
    expect(messageState(at("sent"), talk)).toBe("read");
  });
});

function lastOf(words: Message) {
  const { number, body, sent_at, type, note } = words;
  return { number, body, sender_type: words.sender.type, sent_at, type, note };
}
