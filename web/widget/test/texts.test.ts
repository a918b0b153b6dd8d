import { expect, it } from "vitest";
import { hereTexts } from "../src/here/texts";
import { offlineTexts } from "../src/offline/texts";
import { accountTexts } from "../src/texts/account";
import { afterTexts } from "../src/texts/after";
import { askTexts } from "../src/texts/ask";
import { de } from "../src/texts/de";
import { en } from "../src/texts/en";
import { fileTexts } from "../src/texts/files";
import { listTexts } from "../src/texts/list";
import { voiceTexts } from "../src/texts/voice";
import { eventText } from "../src/ui/Message";

it("every text is there in both languages", () => {
  expect(Object.keys(de)).toEqual(Object.keys(en));
  for (const [name, text] of Object.entries(de))
    expect(typeof text, name).toBe(typeof en[name as keyof typeof en]);
});

it("the card after a conversation speaks both languages", () => {
  expect(Object.keys(afterTexts("de-CH"))).toEqual(Object.keys(afterTexts("en")));
  expect([1, 2].map(afterTexts("de").star)).toEqual(["1 Stern", "2 Sterne"]);
  expect(afterTexts("fr").thanks).toBe("Thank you!");
});

it("what is loaded later speaks both languages", () => {
  for (const texts of [accountTexts, fileTexts, voiceTexts, askTexts, listTexts, offlineTexts, hereTexts]) {
    expect(Object.keys(texts("de-AT"))).toEqual(Object.keys(texts("en")));
    expect(texts("fr")).toBe(texts("en"));
    expect(texts("de")).not.toBe(texts("en"));
  }
});

it("tells events in the visitor's words", () => {
  expect(eventText({ name: "ended", reason: "contact" }, en)).toBe("You ended the conversation");
  expect(
    eventText({ name: "ended", reason: "operator", by: { type: "operator", id: 1, name: "Ann" } }, en),
  ).toBe("Ann ended the conversation");
  expect(eventText({ name: "ended", reason: "timeout" }, en)).toMatch(/after a while/);
  expect(eventText({ name: "forwarded", operator: null, group: { id: 1, name: "Support" } }, en)).toBe(
    "You are now talking to Support",
  );
  const rated = (value: number, form: string) => eventText({ name: "rating", rating: { value, form } }, en);
  expect(rated(4, "stars")).toBe("You rated: 4 / 5");
  expect(rated(5, "thumbs") + rated(1, "thumbs")).toBe("👍👎");
  expect(eventText({ name: "survey", survey: { question: "Solved?", option: "Yes" } }, en)).toBe(
    "Solved? Yes",
  );
  expect(eventText({ name: "channel_changed", channel: { name: "SMS" } }, en)).toBe(
    "This conversation goes on in SMS",
  );
  expect(eventText({ name: "channel_changed", channel: null }, en)).toBe("");
  // Which goal was reached is the company's own.
  expect(eventText({ name: "goal" }, en)).toBe("");
  expect(eventText({ name: "something_new" }, en)).toBe("");
});
