// Chromium, and what a visitor and an operator do in it. Everything waits for what the page shows, nothing for a time.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Pictures go to $PARLEY_PICTURES, else to a folder of the system's temporary ones. */
export const pictures = process.env.PARLEY_PICTURES ?? join(tmpdir(), "parley-pictures");

function executable() {
  const named = ["chromium", "chromium-browser", "google-chrome"].flatMap((name) =>
    (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, name)),
  );
  const found = [process.env.CHROMIUM, ...named].find((path) => path && existsSync(path));
  assert.ok(found, "Chromium is missing: install it or set CHROMIUM to its path");
  return found;
}

export function launch() {
  return chromium.launch({
    executablePath: executable(),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page that remembers what went wrong in it. */
async function open(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = [];
  page.on("pageerror", (fault) => faults.push(String(fault)));
  page.on("console", (line) => {
    // A server that was killed on purpose is no fault of the page.
    const network = /Failed to load resource|WebSocket connection|net::ERR/;
    if (line.type() === "error" && !network.test(line.text())) faults.push(line.text());
  });
  return { context, page, faults };
}

/** A visitor of a page that carries the messenger. */
export async function visitor(browser, url, options) {
  const { context, page, faults } = await open(browser, options);
  await page.goto(url);
  const composer = page.getByRole("textbox", { name: "Write a message" });
  const message = (text) => page.locator("[data-message-number]").filter({ hasText: text });
  return {
    context,
    page,
    faults,
    composer,
    message,
    /** Opens the messenger. */
    async openChat() {
      await page.getByRole("button", { name: "Open chat" }).click();
      await composer.waitFor();
    },
    async write(text) {
      await composer.fill(text);
      await page.getByRole("button", { name: "Send", exact: true }).click();
    },
    async end() {
      await page.getByRole("button", { name: "End conversation" }).click();
      await page.getByRole("button", { name: "End it" }).click();
    },
    /** Waits for a message in one of these states. */
    async shows(text, ...states) {
      const wanted = states.length === 0 ? [""] : states.map((state) => `[data-state="${state}"]`);
      await page
        .locator(wanted.map((state) => `[data-message-number]${state}`).join(", "))
        .filter({ hasText: text })
        .first()
        .waitFor();
    },
  };
}

/** An operator who signs in with a one-time link. */
export async function operator(browser, link, options) {
  const { context, page, faults } = await open(browser, options);
  await page.goto(link);
  const list = page.getByRole("list", { name: "Conversation list" });
  await page.getByRole("region", { name: "Conversations" }).waitFor();
  return {
    context,
    page,
    faults,
    row: (text) => list.getByRole("listitem").filter({ hasText: text }),
    /** Chooses one of the lists: Mine, Unassigned, All. */
    async view(name) {
      await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name }).click();
    },
    /** Opens the conversation whose row shows the text. */
    async opens(text) {
      await list.getByRole("listitem").filter({ hasText: text }).getByRole("link").click();
    },
    async shows(text, ...states) {
      const wanted = states.length === 0 ? [""] : states.map((state) => `[data-state="${state}"]`);
      await page
        .getByRole("log", { name: "Messages" })
        .locator(wanted.map((state) => `[data-message-number]${state}`).join(", "))
        .filter({ hasText: text })
        .first()
        .waitFor();
    },
    async reply(text) {
      await page.getByRole("textbox", { name: "Reply" }).fill(text);
      await page.getByRole("button", { name: "Send", exact: true }).click();
    },
    async end() {
      await page.getByRole("button", { name: "End conversation" }).click();
    },
    /** Types a command; its answer is shown to the operator alone. */
    async command(line) {
      const composer = page.getByRole("combobox", { name: "Reply" }).or(page.getByRole("textbox", { name: "Reply" }));
      await composer.fill(line);
      await composer.press("Escape"); // the list of commands
      await composer.press("Enter");
    },
    /** Hands the open conversation to an operator or a group. */
    async forward(name) {
      await page.getByRole("button", { name: "Forward", exact: true }).click();
      await page.getByRole("menuitem", { name }).click();
    },
    /** Chooses one's own availability: Online, Away, Offline. */
    async presence(name) {
      await page.getByRole("button", { name: /^Availability/ }).click();
      await page.getByRole("menuitemradio", { name: new RegExp(`^${name}`) }).click();
      await page.getByRole("button", { name: new RegExp(`^Availability: ${name}`) }).waitFor();
    },
  };
}

/** Waits until nothing moves any more, except for what moves without end. A fading text has little contrast. */
async function still(page) {
  await page.evaluate(async () => {
    const roots = (root) => [
      root,
      ...[...root.querySelectorAll("*")].flatMap((element) => (element.shadowRoot ? roots(element.shadowRoot) : [])),
    ];
    const moving = () =>
      roots(document)
        .flatMap((root) => root.getAnimations())
        .filter((one) => one.playState === "running" && one.effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
    // What was just shown begins to move with the next frame.
    const frame = () => new Promise(requestAnimationFrame);
    do {
      await Promise.allSettled(moving().map((one) => one.finished));
      await frame();
      await frame();
    } while (moving().length > 0);
  });
}

/** Everything axe has to say about the page as it is, one line each. */
export async function findings(page, name) {
  await still(page);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${name}: ${id}: ${node.html.slice(0, 200)}: ${node.failureSummary}`));
}

/** Fails unless axe finds nothing. */
export async function accessible(page, name) {
  assert.deepEqual(await findings(page, name), []);
}

/** Keeps a picture of the page for a person to look at. */
export async function picture(page, name) {
  mkdirSync(pictures, { recursive: true });
  await still(page);
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** Fails when the page is wider than the window. */
export async function fits(page, name) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(content <= window, `${name}: the page is ${content} px wide in a window of ${window} px`);
}
