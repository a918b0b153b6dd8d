import { expect, it } from "vitest";
import { de } from "../src/texts/de";
import { en } from "../src/texts/en";
import { eventText } from "../src/ui/Message";

it("every text is there in both languages", () => {
  expect(Object.keys(de)).toEqual(Object.keys(en));
  for (const [name, text] of Object.entries(de))
    expect(typeof text, name).toBe(typeof en[name as keyof typeof en]);
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
  expect(eventText({ name: "something_new" }, en)).toBe("");
});
