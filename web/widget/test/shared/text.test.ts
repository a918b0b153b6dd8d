import { describe, expect, it } from "vitest";
import { backoff } from "../../../shared/backoff";
import { dayLabel, daysBetween, shortMoment, timeOfDay } from "../../../shared/clock";
import { isEmojiOnly } from "../../../shared/emoji";
import { initials } from "../../../shared/initials";
import { linkify } from "../../../shared/linkify";

const links = (text: string) =>
  linkify(text)
    .filter((piece) => piece.href)
    .map((piece) => [piece.text, piece.href]);

describe("linkify", () => {
  it.each([
    ["see https://a.example/x.", [["https://a.example/x", "https://a.example/x"]]],
    ["(https://a.example/b_(c))", [["https://a.example/b_(c)", "https://a.example/b_(c)"]]],
    ["www.shop.example/p?q=1, ok", [["www.shop.example/p?q=1", "https://www.shop.example/p?q=1"]]],
    ["mail ann@shop.example!", [["ann@shop.example", "mailto:ann@shop.example"]]],
    ["“https://a.example”", [["https://a.example", "https://a.example/"]]],
    [
      "https://a.example https://b.example",
      [
        ["https://a.example", "https://a.example/"],
        ["https://b.example", "https://b.example/"],
      ],
    ],
    [
      "https://例え.example/パス です",
      [["https://例え.example/パス", "https://xn--r8jz45g.example/%E3%83%91%E3%82%B9"]],
    ],
  ])("%s", (text, expected) => expect(links(text)).toEqual(expected));

  it.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "https://",
    "http:// x",
    "a@b",
    "1.2.3",
    "www.",
    "vbscript:x",
  ])("leaves %s alone", (text) => expect(links(text)).toEqual([]));

  it("never loses or changes a character", () => {
    const bits = [
      "https://a.example/",
      "(",
      ")",
      ".",
      " ",
      "www.x.example",
      "\n",
      "<b>",
      "é",
      "🙂",
      "ann@x.example",
      "]",
      "[",
    ];
    let seed = 7;
    const random = () => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    };
    for (let round = 0; round < 2000; round++) {
      const text = Array.from({ length: 12 }, () => bits[Math.floor(random() * bits.length)]).join("");
      const pieces = linkify(text);
      expect(pieces.map((piece) => piece.text).join("")).toBe(text);
      for (const { href } of pieces) if (href) expect(href).toMatch(/^(https?:\/\/|mailto:)/);
    }
  });

  it("is quick on hostile text", () => {
    const start = performance.now();
    linkify(`${"a.".repeat(9000)}@`);
    linkify(`https://x.example/${"(".repeat(10_000)}`);
    linkify(`${"www.".repeat(4000)}`);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe("emoji", () => {
  it.each(["👍", "🙂 🙂", "👩‍👩‍👧‍👦", "🇩🇪", "❤️", "👍🏽👍🏽👍🏽", "1️⃣"])("%s is only emoji", (text) =>
    expect(isEmojiOnly(text)).toBe(true),
  );
  it.each(["", "1", "12", "#", "hi 👍", "👍👍👍👍", "©x"])("%s is not", (text) =>
    expect(isEmojiOnly(text)).toBe(false),
  );
});

describe("initials", () => {
  it.each([
    ["Ann Lee", "AL"],
    ["ann", "A"],
    ["  Jo  van der  Berg ", "JB"],
    ["木村 花子", "木花"],
    ["🙂 Kim", "🙂K"],
    ["", ""],
  ])("%s", (name, expected) => expect(initials(name)).toBe(expected));
});

describe("clock", () => {
  const now = new Date(2026, 10, 22, 9, 5);
  it("counts days by the calendar, not by hours", () => {
    expect(daysBetween(new Date(2026, 10, 21, 23, 59), now)).toBe(1);
    expect(daysBetween(new Date(2026, 2, 28, 12), new Date(2026, 2, 30, 12))).toBe(2);
  });
  it("names days", () => {
    expect(dayLabel(now, now, "en")).toBe("Today");
    expect(dayLabel(new Date(2026, 10, 21, 23), now, "en")).toBe("Yesterday");
    expect(dayLabel(new Date(2026, 10, 21, 23), now, "de")).toBe("Gestern");
    expect(dayLabel(new Date(2026, 0, 5), now, "en-GB")).toMatch(/5 January/);
    expect(dayLabel(new Date(2024, 0, 5), now, "en-GB")).toBe("5 January 2024");
    expect(timeOfDay(now, "de")).toBe("9:05");
    expect(shortMoment(now, now, "de")).toBe("9:05");
  });
  it("survives an unknown language", () => expect(dayLabel(now, now, "not a language")).toBeTruthy());
});

describe("backoff", () => {
  it("doubles, stays within its bounds, spreads", () => {
    expect(backoff(0, 500, 15_000, () => 1)).toBe(500);
    expect(backoff(3, 500, 15_000, () => 1)).toBe(4000);
    expect(backoff(3, 500, 15_000, () => 0)).toBe(2000);
    for (let attempt = 0; attempt < 100; attempt++) expect(backoff(attempt)).toBeLessThanOrEqual(15_000);
  });
});
