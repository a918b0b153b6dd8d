import { h, render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { failure, success } from "../src/result";
import { en } from "../src/texts/en";
import { type CardProps, make } from "../src/ui/AfterCard";
import { kit } from "../src/ui/Later";
import { conversation } from "./samples";

const Card = make(kit);
const survey = { question: "Solved?", options: ["Yes", "No"] };

let place: HTMLElement;
let said: [string, unknown][];
let works: boolean;

const show = (part: Partial<CardProps> = {}) =>
  act(() =>
    render(
      h(Card, {
        asks: { rating_form: "stars", ask_feedback: true, survey },
        conversation: conversation({ status: "ended" }),
        ui: {
          texts: en,
          lang: "en",
          dress: () => undefined,
          controller: {
            async say(_id, what, body) {
              said.push([what, body]);
              return works ? success(undefined) : failure("network", "");
            },
          },
        },
        grown: () => true,
        ...part,
      }),
      place,
    ),
  );
const radios = () => [...place.querySelectorAll<HTMLInputElement>("input[type=radio]")];
const buttons = () => [...place.querySelectorAll("button")].map((one) => one.textContent);
const press = (name: string) =>
  act(async () => [...place.querySelectorAll("button")].find((one) => one.textContent === name)?.click());
const choose = (value: number) =>
  act(() => {
    const radio = radios().find((one) => one.value === String(value)) as HTMLInputElement;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  });
const wait = (ms: number) => act(async () => void (await vi.advanceTimersByTimeAsync(ms)));
const thanks = () => [...place.querySelectorAll("[role=status]")].map((one) => one.textContent);

beforeEach(() => {
  vi.useFakeTimers();
  place = document.createElement("div");
  document.body.append(place);
  said = [];
  works = true;
});
afterEach(() => {
  act(() => render(null, place));
  place.remove();
  vi.useRealTimers();
});

describe("the card after a conversation", () => {
  it("sends the star at which the choosing stopped, once", async () => {
    await show();
    for (const value of [1, 2, 3, 4]) {
      await choose(value);
      await wait(200);
    }
    expect(said).toEqual([]);
    await wait(1000);
    expect(said).toEqual([["rating", { value: 4 }]]);
    await show({ conversation: conversation({ status: "ended", rating: 4 }) });
    expect(radios().map((one) => one.checked)).toEqual([false, false, false, true, false]);
  });

  it("sends a choice that was made just before it closed", async () => {
    await show();
    await choose(5);
    await act(() => render(null, place));
    await wait(1000);
    expect(said).toEqual([["rating", { value: 5 }]]);
  });

  it("keeps what failed and sends it again", async () => {
    works = false;
    await show();
    await choose(2);
    await wait(1000);
    expect(place.querySelector("[role=alert]")?.textContent).toContain(en.endFailed);
    expect(radios()[1]?.checked).toBe(true);
    works = true;
    await press("Try again");
    await wait(0);
    expect(said).toEqual([
      ["rating", { value: 2 }],
      ["rating", { value: 2 }],
    ]);
    expect(place.querySelector("[role=alert]")?.textContent).toBe("");
  });

  it("shows what the conversation says", async () => {
    await show({ conversation: conversation({ status: "ended", rating: 3, feedback: true, survey: true }) });
    expect(thanks()).toEqual(["Thank you!", "Thank you for your feedback.", "Thank you!"]);
    expect(radios()[2]?.checked).toBe(true);
    expect(place.querySelector("textarea")).toBeNull();
    expect(buttons()).toEqual([]);
  });

  it("sends feedback that is not blank, and an option at once", async () => {
    await show();
    const area = place.querySelector("textarea") as HTMLTextAreaElement;
    const type = (text: string) =>
      act(() => {
        area.value = text;
        area.dispatchEvent(new Event("input", { bubbles: true }));
      });
    const submit = () =>
      act(
        async () =>
          void place.querySelector("form")?.dispatchEvent(new Event("submit", { cancelable: true })),
      );
    await type("  ");
    await submit();
    expect(said).toEqual([]);
    await type("Kind people");
    await submit();
    await press("No");
    expect(said).toEqual([
      ["feedback", { text: "Kind people" }],
      ["survey", { option: "No" }],
    ]);
  });

  it("asks only what the widget asks, thumbs are up or down", async () => {
    await show({ asks: { rating_form: "thumbs", ask_feedback: false, survey: null } });
    expect(radios().map((one) => one.value)).toEqual(["5", "1"]);
    expect(place.querySelectorAll(".part").length).toBe(1);
    await choose(1);
    await wait(1000);
    expect(said).toEqual([["rating", { value: 1 }]]);
  });

  it("starts anew for another conversation", async () => {
    await show();
    await choose(5);
    await show({ conversation: conversation({ id: 43, status: "ended" }) });
    expect(radios().some((one) => one.checked)).toBe(false);
  });
});
