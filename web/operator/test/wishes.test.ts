import { describe, expect, it } from "vitest";
import { ApiError } from "../src/api/error.ts";
import type { Conversation } from "../src/api/types.ts";
import { tagCompletion, withTags } from "../src/inbox/tags.ts";
import { Wishes } from "../src/inbox/wishes.ts";
import { conversation } from "./samples.ts";

function bench() {
  const writes: { value: boolean; resolve: (c: Conversation) => void; reject: (cause: unknown) => void }[] =
    [];
  const granted: Conversation[] = [];
  const refused: string[] = [];
  const wishes = new Wishes<boolean>();
  const want = (value: boolean) =>
    wishes.want(1, value, {
      write: (_, wanted) => new Promise((resolve, reject) => writes.push({ value: wanted, resolve, reject })),
      granted: (answer) => granted.push(answer),
      refused: (_, error) => refused.push(error.code),
    });
  return { wishes, want, writes, granted, refused };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("a wish", () => {
  it("shows at once and is the server's once it is granted", async () => {
    const { wishes, want, writes, granted } = bench();
    want(true);
    expect(wishes.of(1)).toBe(true);
    expect(wishes.of(2)).toBeUndefined();
    writes[0]?.resolve(conversation({ id: 1, flagged: true }));
    await settle();
    expect(wishes.of(1)).toBeUndefined();
    expect(granted).toHaveLength(1);
  });

  it("is gone when it is refused", async () => {
    const { wishes, want, writes, refused } = bench();
    want(true);
    writes[0]?.reject(new ApiError(409, "addon.missing", "no endpoint"));
    await settle();
    expect(wishes.of(1)).toBeUndefined();
    expect(refused).toEqual(["addon.missing"]);
  });

  it("ends as the last click said, with one write at a time", async () => {
    const { wishes, want, writes, granted } = bench();
    want(true);
    want(false);
    expect(writes.map((each) => each.value)).toEqual([true]);
    expect(wishes.of(1)).toBe(false);
    writes[0]?.resolve(conversation({ id: 1, flagged: true }));
    await settle();
    expect(writes.map((each) => each.value)).toEqual([true, false]);
    expect(granted, "the overtaken answer never shows").toEqual([]);
    writes[1]?.resolve(conversation({ id: 1, flagged: false }));
    await settle();
    expect(granted.map((each) => each.flagged)).toEqual([false]);
  });
});

describe("tags", () => {
  it("are trimmed, parted by commas and said once", () => {
    expect(withTags(["vip"], "  new ,VIP, two   words ")).toEqual(["vip", "new", "two words"]);
    expect(withTags(["vip"], " , ")).toEqual(["vip"]);
  });

  it("have limits", () => {
    expect(withTags([], "x".repeat(40))).toEqual(["x".repeat(40)]);
    expect(withTags([], "x".repeat(41))).toHaveProperty("fault");
    const twenty = Array.from({ length: 20 }, (_, index) => `t${index}`);
    expect(withTags(twenty, "one more")).toHaveProperty("fault");
    expect(withTags(twenty, "T3")).toEqual(twenty);
  });

  it("are offered when they begin with what is typed and are not there yet", () => {
    const used = [
      { tag: "vip", count: 3 },
      { tag: "Invoice", count: 1 },
    ];
    expect(tagCompletion("", used, ["vip"])?.items.map((item) => item.line)).toEqual(["Invoice"]);
    expect(tagCompletion("new, in", used, [])?.items.map((item) => item.line)).toEqual(["Invoice"]);
    expect(tagCompletion("zz", used, [])).toBeNull();
  });
});
