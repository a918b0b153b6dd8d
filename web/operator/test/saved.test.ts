import { describe, expect, it } from "vitest";
import type { Command } from "../src/api/types.ts";
import { wordsOf } from "../src/inbox/closing/words.ts";
import { Drafts } from "../src/inbox/drafts.ts";
import { asksForSaved, awaitsList } from "../src/inbox/saved/asking.ts";
import { answersOf, offersFor } from "../src/inbox/saved/offers.ts";
import type { Reply } from "../src/replies/api.ts";
import { transcriptLines } from "../src/transcripts/lines.ts";
import { aboutVisitor, ordinal, pagesText, shortAddress, stayed, webAddress } from "../src/visitors/words.ts";
import { message } from "./samples.ts";

const at = "2026-11-22T10:00:00.000000Z";
const reply = (id: number, shortcut: string, more: Partial<Reply> = {}): Reply => ({
  id,
  kind: "reply",
  shortcut,
  title: "",
  body: `text of ${shortcut}`,
  options: [],
  created_at: at,
  updated_at: at,
  ...more,
});
const REPLIES = [
  reply(1, "hello", { title: "Greeting" }),
  reply(2, "islands", { body: "Delivery to the islands costs 4.90." }),
  reply(3, "kind", { kind: "question", options: ["My order", "Other"] }),
];
const command = (name: string, argument: Command["argument"], alias: string): Command => ({
  name,
  aliases: [alias],
  args: "SHORTCUT",
  help: "",
  argument,
  permission: "operator",
});
const COMMANDS = [command("reply", "reply", "r"), command("question-group", "question", "qg")];
const names = (text: string) =>
  offersFor(text, REPLIES, COMMANDS)?.items.map((item) => item.reply.shortcut) ?? null;

describe("saved texts in the field", () => {
  it("are all offered behind a # at the beginning, and searched by their words", () => {
    expect(names("#")).toEqual(["hello", "islands", "kind"]);
    expect(names("#hel")).toEqual(["hello"]);
    expect(names("#costs delivery")).toEqual(["islands"]);
    expect(offersFor("#hel", REPLIES, COMMANDS)?.first).toBe(0);
  });

  it("behind other words only when their beginning is typed, so that a number stays a number", () => {
    expect(names("Good morning! #gree")).toEqual(["hello"]);
    expect(offersFor("Good morning! #gree", REPLIES, COMMANDS)?.items[0]?.before).toBe("Good morning! ");
    expect(names("It is order #4")).toBeNull();
    expect(names("room#hello")).toBeNull();
    expect(offersFor("Good morning! #", REPLIES, COMMANDS)?.first).toBeNull();
  });

  it("are offered for the commands that send them, each its kind", () => {
    expect(names("$r isl")).toEqual(["islands"]);
    expect(names("$qg ")).toEqual(["kind"]);
    expect(offersFor("$r isl", REPLIES, COMMANDS)?.items[0]?.line).toBe("$r islands");
    expect(names("$r islands")).toBeNull();
    expect(names("$note isl")).toBeNull();
  });

  it("are behind other words chosen by Enter only when their whole shortcut is typed", () => {
    expect(offersFor("It is about #hel", REPLIES, COMMANDS)?.first).toBeNull();
    expect(offersFor("Good morning! #greeting", REPLIES, COMMANDS)?.first).toBeNull();
    expect(offersFor("Good morning! #Hello", REPLIES, COMMANDS)?.first).toBe(0);
  });

  it("are waited for by Enter, but never for long", () => {
    expect(asksForSaved("Hi #he")).toBe(true);
    expect(awaitsList("#he", undefined, 1000, 1500)).toBe(true);
    expect(awaitsList("#he", "#h", 1000, 1500)).toBe(true);
    expect(awaitsList("#he", "#he", 1000, 1500)).toBe(false);
    expect(awaitsList("#he", undefined, 1000, 3000)).toBe(false);
    expect(awaitsList("Hi #he", undefined, 1000, 1500)).toBe(false);
  });

  it("leave the answers of a question that stands before them", () => {
    expect(answersOf("What is it about? ", [])).toBeNull();
    expect(answersOf("", [])).toEqual([]);
    expect(answersOf("Hello. ", ["A", "B"])).toEqual(["A", "B"]);
  });

  it("leave what is no question alone", () => {
    expect(names("hello")).toBeNull();
    expect(names("#hello\nmore")).toBeNull();
  });
});

describe("answers of a draft", () => {
  it("stay with their question and go with it", () => {
    const drafts = new Drafts(null, 1);
    drafts.set(7, "reply", "What is it about?");
    drafts.set(7, "choices", "My order\nOther");
    expect(drafts.get(7, "choices")).toBe("My order\nOther");
    drafts.set(7, "note", "a note");
    drafts.set(7, "reply", "");
    drafts.set(7, "reply", "Something else");
    expect(drafts.get(7, "choices")).toBe("");
  });

  it("survive a reload", () => {
    const values = new Map<string, string>();
    const storage = {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => void values.set(key, value),
    };
    const before = new Drafts(storage, 1);
    before.set(7, "reply", "What is it about?");
    before.set(7, "choices", "My order");
    expect(new Drafts(storage, 1).get(7, "choices")).toBe("My order");
  });
});

describe("words that go along with a transcript", () => {
  it("are parted by blanks, and held together by quotes", () => {
    expect(wordsOf('billing "second line"  vip')).toEqual(["billing", "second line", "vip"]);
    expect(wordsOf("a,b\nc")).toEqual(["a,b", "c"]);
    expect(wordsOf('  "" ')).toEqual([]);
    expect(wordsOf('"open end')).toEqual(['"open', "end"]);
  });
});

describe("a transcript", () => {
  it("shows notes and events only when asked for", () => {
    const lines = [
      message({ number: 1 }),
      message({ number: 2, note: true }),
      message({ number: 3, type: "event" }),
    ];
    expect(transcriptLines(lines, false).map((line) => line.number)).toEqual([1]);
    expect(transcriptLines(lines, true)).toHaveLength(3);
  });
});

describe("a visitor in words", () => {
  it("tells pages, and a stay up to when the list was told", () => {
    expect([1, 3].map(pagesText)).toEqual(["1 page", "3 pages"]);
    expect(stayed({ started_at: at }, Date.parse(at) + 42_000)).toBe("42 s");
    expect(stayed({ started_at: at }, Date.parse(at) - 42_000)).toBe("0 s");
  });

  it("counts visits", () => {
    expect([1, 2, 3, 4, 11, 12, 21, 112].map(ordinal)).toEqual(
      "1st 2nd 3rd 4th 11th 12th 21st 112th".split(" "),
    );
    const seen = { browser: "Firefox", os: "", visits: 2, city: "Malmö", country: "SE" };
    expect(aboutVisitor(seen as Parameters<typeof aboutVisitor>[0])).toBe(
      "Malmö, Sweden · Firefox · 2nd visit",
    );
  });

  it("links only to web pages", () => {
    expect(webAddress("javascript:alert(1)")).toBeNull();
    expect(webAddress("https://shop.example/")).toBe("https://shop.example/");
    expect(shortAddress("https://shop.example/lamps?a=1")).toBe("shop.example/lamps?a=1");
    expect(shortAddress("nothing")).toBe("nothing");
  });
});
