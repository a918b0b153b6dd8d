import { describe, expect, it } from "vitest";
import {
  exactly,
  extended,
  NOTHING,
  type Selection,
  shareOf,
  toggled,
  withoutShown,
  withShown,
} from "../src/conversations/selection.ts";

const SHOWN = [9, 7, 5, 3, 1];
const ids = (selection: Selection) => [...selection.ids].sort((a, b) => a - b);

describe("choosing rows", () => {
  it("one by one, and out again", () => {
    const two = toggled(toggled(NOTHING, 7), 3);
    expect(ids(two)).toEqual([3, 7]);
    expect(ids(toggled(two, 7))).toEqual([3]);
    expect(ids(NOTHING)).toEqual([]);
  });

  it("a range goes from the last one chosen, in either direction", () => {
    expect(ids(extended(toggled(NOTHING, 7), SHOWN, 3))).toEqual([3, 5, 7]);
    expect(ids(extended(toggled(NOTHING, 3), SHOWN, 9))).toEqual([3, 5, 7, 9]);
  });

  it("another range from the same row takes the place of the first", () => {
    const far = extended(toggled(NOTHING, 7), SHOWN, 1);
    expect(ids(extended(far, SHOWN, 5))).toEqual([5, 7]);
    expect(ids(extended(far, SHOWN, 9))).toEqual([7, 9]);
  });

  it("leaves alone what was chosen elsewhere", () => {
    const before = toggled(toggled(exactly([1, 400]), 9), 9);
    expect(ids(extended(toggled(before, 7), SHOWN, 5))).toEqual([1, 5, 7, 400]);
  });

  it("a range from a row that was taken out takes out", () => {
    const all = withShown(NOTHING, SHOWN);
    expect(ids(extended(toggled(all, 7), SHOWN, 3))).toEqual([1, 9]);
  });

  it("without a beginning in sight it is one row", () => {
    expect(ids(extended(NOTHING, SHOWN, 5))).toEqual([5]);
    expect(ids(extended(toggled(NOTHING, 77), SHOWN, 5))).toEqual([5, 77]);
  });
});

describe("choosing many", () => {
  it("all that are shown, beside those of other pages", () => {
    const all = withShown(exactly([400]), SHOWN);
    expect(all.ids.size).toBe(6);
    expect(shareOf(all, SHOWN)).toBe("all");
    expect(ids(withoutShown(all, SHOWN))).toEqual([400]);
  });

  it("knows none, some and all of what is shown", () => {
    expect(shareOf(exactly([400]), SHOWN)).toBe("none");
    expect(shareOf(exactly([400, 3]), SHOWN)).toBe("some");
    expect(shareOf(NOTHING, [])).toBe("none");
  });

  it("everything that matches can have single ones taken out", () => {
    const many = exactly(Array.from({ length: 10_000 }, (_, index) => index + 1));
    const less = toggled(many, 7);
    expect(less.ids.size).toBe(9999);
    expect(shareOf(less, SHOWN)).toBe("some");
  });
});
