import { describe, expect, it } from "vitest";
import { ApiError } from "../src/api/error.ts";
import type { Conversation, Message } from "../src/api/types.ts";
import { Outbox, type Outgoing } from "../src/inbox/outbox.ts";
import { conversation, event, message } from "./samples.ts";

type Answer = { message: Message; conversation: Conversation };

function bench(stored: string | null = null) {
  const sends: { entry: Outgoing; resolve: (answer: Answer) => void; reject: (cause: unknown) => void }[] =
    [];
  const later: (() => void)[] = [];
  const sent: Answer[] = [];
  let saved = stored;
  const box = new Outbox({
    send: (entry) => new Promise((resolve, reject) => sends.push({ entry, resolve, reject })),
    sent: (answer) => sent.push(answer),
    later: (run) => later.push(run),
    store: (text) => {
      saved = text;
    },
    stored: () => saved,
  });
  return { box, sends, later, sent, saved: () => saved };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
const answer = (number: number): Answer => ({
  message: message({ number, sender: { type: "operator", id: 1, name: "Ada" } }),
  conversation: conversation({ id: 1 }),
});

describe("the outbox", () => {
  it("sends one message of a conversation at a time, in order", async () => {
    const { box, sends, sent } = bench();
    box.add(1, "first", false, "");
    box.add(1, "second", false, "");
    expect(sends.map((each) => each.entry.body)).toEqual(["first"]);
    sends[0]?.resolve(answer(2));
    await settle();
    expect(sends.map((each) => each.entry.body)).toEqual(["first", "second"]);
    sends[1]?.resolve(answer(3));
    await settle();
    expect(sent).toHaveLength(2);
    expect(box.of(1)).toEqual([]);
  });

  it("keeps one key over all tries", async () => {
    const { box, sends, later } = bench();
    box.add(1, "hello", false, "");
    sends[0]?.reject(new ApiError(0, "network.unreachable", "gone"));
    await settle();
    expect(box.of(1)[0]?.state).toBe("waiting");
    later.shift()?.();
    expect(sends).toHaveLength(2);
    expect(sends[1]?.entry.key).toBe(sends[0]?.entry.key);
  });

  it("shows a refusal with its reason and sends again on request", async () => {
    const { box, sends } = bench();
    box.add(1, "hello", false, "");
    sends[0]?.reject(new ApiError(409, "conversation.ended", "It has ended."));
    await settle();
    const failed = box.of(1)[0];
    expect(failed).toMatchObject({ state: "failed", reason: "It has ended." });
    box.retry(1, failed?.key ?? "");
    expect(sends[1]?.entry.key).toBe(failed?.key);
  });

  it("drops its bubble when the event overtakes the answer", async () => {
    const { box, sends, sent } = bench();
    box.add(1, "hello", false, "");
    const own = message({ number: 2, body: "hello", sender: { type: "operator", id: 1, name: "Ada" } });
    box.echo(event("message.sent", 12, { message: own }), 1);
    expect(box.of(1)).toEqual([]);
    sends[0]?.resolve(answer(2));
    await settle();
    expect(sent).toHaveLength(1);
  });

  it("does not take a note or another operator's words for its own", () => {
    const { box } = bench();
    box.add(1, "hello", false, "");
    const note = message({
      number: 2,
      body: "hello",
      note: true,
      sender: { type: "operator", id: 1, name: "Ada" },
    });
    const other = message({ number: 3, body: "hello", sender: { type: "operator", id: 2, name: "Ben" } });
    box.echo(event("message.noted", 12, { message: note }), 1);
    box.echo(event("message.sent", 13, { message: other }), 1);
    expect(box.of(1)).toHaveLength(1);
  });

  it("sends what looks like a command as text only when told so, as another question", async () => {
    const { box, sends } = bench();
    box.add(1, "$api", false, "");
    sends[0]?.reject(new ApiError(422, "message.is_command", "The text begins with a command."));
    await settle();
    const failed = box.of(1)[0];
    expect(failed).toMatchObject({ state: "failed", code: "message.is_command" });
    box.sendAsText(1, failed?.key ?? "");
    expect(sends[1]?.entry).toMatchObject({ body: "$api", asText: true });
    expect(sends[1]?.entry.key).not.toBe(failed?.key);
  });

  it("goes on with what was not sent before a reload, with the same key", () => {
    const first = bench();
    first.box.add(1, "hello", false, "");
    const key = first.box.of(1)[0]?.key;
    const second = bench(first.saved());
    second.later.shift()?.();
    expect(second.sends[0]?.entry.key).toBe(key);
  });
});
