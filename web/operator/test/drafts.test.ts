import { describe, expect, it } from "vitest";
import { Drafts } from "../src/inbox/drafts.ts";

class FakeStorage {
  values = new Map<string, string>();
  getItem(key: string) {
    return this.values.get(key) ?? null;
  }
  setItem(key: string, value: string) {
    this.values.set(key, value);
  }
}

describe("drafts", () => {
  it("survive a reload, reply and note apart", () => {
    const storage = new FakeStorage();
    const before = new Drafts(storage, 1);
    before.set(7, "reply", "half a sen");
    before.set(7, "note", "ask Ben");
    const after = new Drafts(storage, 1);
    expect(after.get(7, "reply")).toBe("half a sen");
    expect(after.get(7, "note")).toBe("ask Ben");
    expect(after.get(8, "reply")).toBe("");
  });

  it("belong to one operator", () => {
    const storage = new FakeStorage();
    new Drafts(storage, 1).set(7, "reply", "mine");
    expect(new Drafts(storage, 2).get(7, "reply")).toBe("");
  });

  it("forget the oldest when there are too many", () => {
    let now = 0;
    const drafts = new Drafts(new FakeStorage(), 1, () => ++now);
    for (let id = 1; id <= 201; id += 1) drafts.set(id, "reply", "x");
    expect(drafts.get(1, "reply")).toBe("");
    expect(drafts.get(2, "reply")).toBe("x");
    expect(drafts.get(201, "reply")).toBe("x");
  });

  it("bear storage that is broken or full", () => {
    const broken = {
      getItem: () => "{not json",
      setItem: () => {
        throw new Error("full");
      },
    };
    const drafts = new Drafts(broken, 1);
    drafts.set(7, "reply", "kept for now");
    expect(drafts.get(7, "reply")).toBe("kept for now");
  });
});
