import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Pages } from "../src/pages";
import { openVault } from "../src/vault";
import { countVisits } from "../src/visits";

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});
const stored = () => localStorage.length + sessionStorage.length;

describe("vault", () => {
  it("stores nothing before the visitor wrote, everything after", () => {
    const vault = openVault("w_1");
    vault.set("drafts", "{}");
    vault.set("session", "s");
    expect(stored()).toBe(0);
    expect(vault.get("drafts")).toBe("{}");
    vault.unlock();
    expect(localStorage.getItem("parley:w_1:drafts")).toBe("{}");
    expect(sessionStorage.getItem("parley:w_1:session")).toBe("s");
    expect(openVault("w_1").get("token")).toBeNull();
  });

  it("finds what an earlier page stored", () => {
    localStorage.setItem("parley:w_1:token", "vt_1");
    const vault = openVault("w_1");
    expect(vault.get("token")).toBe("vt_1");
    vault.set("drafts", "x");
    expect(localStorage.getItem("parley:w_1:drafts")).toBe("x");
    expect(openVault("w_2").get("token")).toBeNull();
  });

  it("wipes, and is in memory only again", () => {
    localStorage.setItem("parley:w_1:token", "vt_1");
    const vault = openVault("w_1");
    vault.set("visits", "2");
    vault.wipe();
    expect(stored()).toBe(0);
    vault.set("drafts", "x");
    expect(stored()).toBe(0);
    expect(vault.get("drafts")).toBe("x");
  });

  it("works without storage", () => {
    const broken = vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new Error("full");
    });
    const vault = openVault("w_1");
    vault.unlock();
    vault.set("token", "vt_1");
    expect(vault.get("token")).toBe("vt_1");
    broken.mockRestore();
  });
});

describe("visits", () => {
  const pages = (count: number): Pages => ({
    initialUrl: `https://shop.example/${count}`,
    referrer: "https://search.example/",
    count: () => count,
    onChange: () => () => undefined,
  });

  it("counts pages over reloads and visits over tabs, and remembers where it began", () => {
    const first = openVault("w_1");
    countVisits(first, pages(2));
    first.unlock();
    first.set("token", "vt_1");
    const second = countVisits(openVault("w_1"), pages(1)).current();
    expect(second).toMatchObject({
      page_impressions: 3,
      visits: 1,
      initial_url: "https://shop.example/2",
      referrer: "https://search.example/",
    });
    sessionStorage.clear();
    expect(countVisits(openVault("w_1"), pages(1)).current()).toMatchObject({
      page_impressions: 1,
      visits: 2,
    });
  });

  it("survives nonsense in the storage", () => {
    localStorage.setItem("parley:w_1:token", "vt_1");
    sessionStorage.setItem("parley:w_1:session", "{{{");
    localStorage.setItem("parley:w_1:visits", "many");
    expect(countVisits(openVault("w_1"), pages(1)).current()).toMatchObject({
      page_impressions: 1,
      visits: 1,
    });
  });
});
