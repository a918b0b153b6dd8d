import { createElement, Suspense } from "react";
import { renderToReadableStream } from "react-dom/server";
import { expect, it } from "vitest";
import { lazily, lazyPage, loadedOnce } from "../src/app/lazily.tsx";

const gone = () => Promise.reject(new TypeError("Failed to fetch dynamically imported module"));
const Part = () => "the part";

async function shown(Lazy: Parameters<typeof createElement>[0]): Promise<string> {
  const page = createElement(Suspense, { fallback: "waits" }, createElement(Lazy), "the rest");
  const stream = await renderToReadableStream(page);
  await stream.allReady;
  return new Response(stream).text();
}

it("shows a part once it is loaded", async () => {
  expect(await shown(lazily(async () => ({ default: Part })))).toContain("the part");
});

it("leaves the page as it is when a part cannot be loaded", async () => {
  const text = await shown(lazily(gone));
  expect(text).toContain("the rest");
  expect(text).not.toContain("waits");
  expect(text).not.toContain("could not");
});

it("says so in place of a page, with a way out", async () => {
  const text = await shown(lazyPage(gone));
  expect(text).toContain("This part could not be loaded.");
  expect(text).toContain("Reload");
});

it("asks for a part once, and again only after a failure was forgotten", async () => {
  let calls = 0;
  let forget: (() => void) | undefined;
  const failure = (props: { forget: () => void }) => {
    forget = props.forget;
    return "failed";
  };
  const now = loadedOnce(() => {
    calls += 1;
    return calls === 1 ? gone() : Promise.resolve({ default: Part });
  }, failure);
  const first = now();
  expect(await shown(first)).toContain("failed");
  expect(now()).toBe(first);
  forget?.();
  const second = now();
  expect(second).not.toBe(first);
  // A second mount of the old failure ends later: it must not throw away what was loaded since.
  forget?.();
  expect(now()).toBe(second);
  expect(await shown(second)).toContain("the part");
  expect(calls).toBe(2);
});
