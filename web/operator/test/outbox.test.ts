import { describe, expect, it } from "vitest";
import { ApiError } from "../src/api/error.ts";
import type { Conversation, Message } from "../src/api/types.ts";
import { Outbox, type Outgoing, type OutgoingFile } from "../src/inbox/outbox.ts";
import { conversation, event, media, message } from "./samples.ts";

type Answer = { message: Message; conversation: Conversation };

function bench(stored: string | null = null) {
  const sends: { entry: Outgoing; resolve: (answer: Answer) => void; reject: (cause: unknown) => void }[] =
    [];
  const later: (() => void)[] = [];
  const sent: Answer[] = [];
  const uploads: {
    file: OutgoingFile;
    resolve: (media: string) => void;
    reject: (cause: unknown) => void;
  }[] = [];
  const dropped: [string, boolean][] = [];
  let saved = stored;
  const box = new Outbox({
    uploaded: (file) => new Promise((resolve, reject) => uploads.push({ file, resolve, reject })),
    dropped: (file, expired) => dropped.push([file.key, expired]),
    send: (entry) => new Promise((resolve, reject) => sends.push({ entry, resolve, reject })),
    sent: (answer) => sent.push(answer),
    later: (run) => later.push(run),
    store: (text) => {
      saved = text;
    },
    stored: () => saved,
  });
  return { box, sends, uploads, dropped, later, sent, saved: () => saved };
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

const mug: OutgoingFile = { key: "f1", name: "mug.png", size: 1000, voice: false };

describe("the outbox with files", () => {
  it("waits for the upload and keeps the order", async () => {
    const { box, sends, uploads, dropped } = bench();
    box.add(1, "see", false, "", false, mug);
    box.add(1, "and this", false, "");
    await settle();
    expect(sends).toHaveLength(0);
    uploads[0]?.resolve("m1");
    await settle();
    expect(sends.map(({ entry }) => [entry.body, entry.media])).toEqual([["see", "m1"]]);
    sends[0]?.resolve(answer(2));
    await settle();
    expect(sends[1]?.entry.body).toBe("and this");
    expect(dropped).toEqual([["f1", false]]);
  });

  it("sends with one key however often, and uploads no file twice", async () => {
    const { box, sends, uploads, later } = bench();
    box.add(1, "see", false, "", false, mug);
    uploads[0]?.resolve("m1");
    await settle();
    sends[0]?.reject(new ApiError(503, "server.busy", "The server is busy."));
    await settle();
    expect(box.of(1)[0]).toMatchObject({ state: "waiting", media: "m1" });
    later.shift()?.();
    await settle();
    expect(uploads).toHaveLength(1);
    expect(sends[1]?.entry.key).toBe(sends[0]?.entry.key);
  });

  it("loses nothing when the upload fails: it says why and tries again", async () => {
    const { box, sends, uploads } = bench();
    box.add(1, "see", false, "", false, mug);
    uploads[0]?.reject(new ApiError(413, "media.too_large", "The file is too large."));
    await settle();
    const failed = box.of(1)[0];
    expect(failed).toMatchObject({
      state: "failed",
      reason: "The file is too large.",
      body: "see",
      file: mug,
    });
    box.retry(1, failed?.key ?? "");
    uploads[1]?.resolve("m1");
    await settle();
    expect(sends[0]?.entry).toMatchObject({ body: "see", media: "m1", key: failed?.key });
  });

  it("waits for a lost connection like a text", async () => {
    const { box, uploads, later } = bench();
    box.add(1, "", false, "", false, mug);
    uploads[0]?.reject(new ApiError(0, "network.unreachable", "No connection."));
    await settle();
    expect(box.of(1)[0]?.state).toBe("waiting");
    later.shift()?.();
    expect(uploads).toHaveLength(2);
  });

  it("does not send what was discarded while its file went up", async () => {
    const { box, sends, uploads, dropped } = bench();
    box.add(1, "see", false, "", false, mug);
    box.discard(1, box.of(1)[0]?.key ?? "");
    uploads[0]?.resolve("m1");
    await settle();
    expect(sends).toHaveLength(0);
    expect(dropped).toEqual([["f1", false]]);
    box.add(1, "next", false, "");
    expect(sends).toHaveLength(1);
  });

  it("uploads anew what the server has no more", async () => {
    const { box, sends, uploads, dropped } = bench();
    box.add(1, "see", false, "", false, mug);
    uploads[0]?.resolve("m1");
    await settle();
    sends[0]?.reject(new ApiError(404, "media.not_found", "There is no such file."));
    await settle();
    expect(dropped).toEqual([["f1", true]]);
    expect(box.of(1)[0]).toMatchObject({ state: "failed", media: undefined });
    box.retry(1, box.of(1)[0]?.key ?? "");
    expect(uploads).toHaveLength(2);
  });

  it("knows its own message that came as an event, and no other", async () => {
    const { box, uploads } = bench();
    box.add(1, "", false, "", false, mug);
    const own = (more: Parameters<typeof media>[0]) =>
      message({
        number: 2,
        type: "media",
        body: "",
        sender: { type: "operator", id: 1, name: "Ada" },
        media: media(more),
      });
    box.echo(event("message.sent", 12, { message: own({ size: 1000 }) }), 1);
    expect(box.of(1)).toHaveLength(1);
    uploads[0]?.resolve("m1");
    await settle();
    box.echo(event("message.sent", 13, { message: own({ size: 999 }) }), 1);
    box.echo(event("message.updated", 14, { message: own({ size: 1000 }) }), 1);
    expect(box.of(1)).toHaveLength(1);
    box.echo(event("message.sent", 15, { message: own({ size: 1000 }) }), 1);
    expect(box.of(1)).toHaveLength(0);
  });
});
