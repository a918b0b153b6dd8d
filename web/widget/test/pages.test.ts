import { beforeEach, expect, it, vi } from "vitest";

beforeEach(() => vi.resetModules());

const at = async (address: string) => {
  history.replaceState({ page: 1 }, "", address);
  const { pages } = await import("../src/pages");
  return pages;
};
const here = () => location.pathname + location.search + location.hash;

it.each([
  ["/help#parley=AbC_-1", "/help", "=AbC_-1"],
  ["/help?parley=AbC", "/help", "=AbC"],
  ["/help?parley=AbC&a=1#top", "/help?a=1#top", "=AbC"],
  ["/help?a=1&parley=AbC#/route", "/help?a=1#/route", "=AbC"],
  ["/help?a=1&parley=AbC&b=2", "/help?a=1&b=2", "=AbC"],
  ["/help#parley-conversation=42", "/help", "-conversation=42"],
  ["/help?unparley=1#x", "/help?unparley=1#x", undefined],
  ["/parley=1", "/parley=1", undefined],
])("takes the way out of %s before anything reads the address", async (given, left, way) => {
  const pages = await at(given);
  expect(here()).toBe(left);
  expect(pages.way).toBe(way);
  expect(pages.initialUrl).toBe(location.href);
  expect(history.state).toEqual({ page: 1 });
});

it("sees a link that is followed later, once", async () => {
  vi.useFakeTimers();
  const pages = await at("/shop");
  const heard: (string | undefined)[] = [];
  pages.onChange(() => heard.push(pages.way));
  history.replaceState(null, "", "/shop#parley=Abc");
  window.dispatchEvent(new Event("currententrychange"));
  vi.advanceTimersByTime(3000);
  expect(here()).toBe("/shop");
  expect(heard).toEqual(["=Abc"]);
  vi.useRealTimers();
});
