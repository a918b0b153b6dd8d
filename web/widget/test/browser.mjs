// Drives the built messenger in a real browser against the mock server: behaviour, accessibility, pictures.
// `npm run build && npm run test:browser`; pictures go to $SHOTS (default: a folder in the system's temp).
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { accountTests } from "./browser-account.mjs";
import { fileTests } from "./browser-files.mjs";
import { outsideTests } from "./browser-outside.mjs";
import { startMock } from "./mock-server.mjs";

const shots = process.env.SHOTS ?? join(tmpdir(), "parley-shots");
const only = process.argv[2];
/** How many times longer than usual something may take: PATIENCE=5 on a machine that is busy. */
const patience = Number(process.env.PATIENCE ?? 1);
mkdirSync(shots, { recursive: true });
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
  ],
});

const PHONE = { viewport: { width: 375, height: 720 }, hasTouch: true, isMobile: true };
const tests = [];
const test = (name, options, run) => tests.push({ name, options, run });
let pictures = 0;

/** One visitor: page, handy locators, the mock's levers. */
async function visitor(mock, context, path = "/demo/shop") {
  const page = await context.newPage();
  page.setDefaultTimeout(8000 * patience);
  const faults = [];
  page.on("pageerror", (fault) => faults.push(String(fault)));
  page.on("console", (line) => {
    if (line.type() === "error" && !/Failed to load resource|WebSocket connection|net::ERR/.test(line.text()))
      faults.push(line.text());
  });
  await page.goto(mock.base + path);
  const launcher = page.getByRole("button", { name: "Open chat" });
  const dialog = page.getByRole("dialog");
  const box = page.getByRole("textbox", { name: "Write a message" });
  const bubble = (text) => page.locator("[data-message-number]", { hasText: text });
  return {
    page,
    faults,
    patience,
    launcher,
    dialog,
    box,
    bubble,
    open: async () => {
      await launcher.click();
      await dialog.waitFor();
    },
    send: async (text) => {
      await box.fill(text);
      await box.press("Enter");
    },
    state: async (text, state) =>
      page.locator(`[data-state="${state}"]`, { hasText: text }).first().waitFor(),
    shot: async (name) => {
      await page.waitForTimeout(250);
      await page.screenshot({ path: join(shots, `${name}.png`) });
      pictures++;
    },
    axe: async (name) => {
      await page.waitForTimeout(200);
      await page.evaluate(axeSource);
      const { violations } = await page.evaluate(() =>
        window.axe.run(document, { resultTypes: ["violations"] }),
      );
      const told = violations.map(
        (one) => `${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`,
      );
      assert.deepEqual(told, [], `axe: ${name}`);
    },
  };
}

test("nothing is stored and nothing is loaded before the visitor acts", {}, async ({
  page,
  launcher,
  open,
  box,
}) => {
  await launcher.waitFor();
  const loaded = () =>
    page.evaluate(
      () => performance.getEntriesByType("resource").filter((one) => one.name.includes("messenger")).length,
    );
  assert.equal(await loaded(), 0);
  await open();
  await box.fill("a draft");
  const stored = await page.evaluate(
    () => localStorage.length + sessionStorage.length + document.cookie.length,
  );
  assert.equal(stored, 0);
});

test("opens fast", {}, async ({ page, launcher }) => {
  await launcher.hover();
  await page.waitForTimeout(400);
  // The best of three: the machine may be busy with something else.
  const times = await page.evaluate(async () => {
    const { shadowRoot: root } = [...document.body.children].find((one) => one.shadowRoot);
    const shown = () => root.querySelector("[role=dialog]") !== null;
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const list = [];
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      root.querySelector(".launcher").click();
      while (!shown()) await frame();
      list.push(performance.now() - start);
      root.querySelector(".launcher").click();
      while (shown()) await frame();
    }
    return list;
  });
  console.log(`    open: ${times.map((ms) => ms.toFixed(0)).join(", ")} ms`);
  assert.ok(Math.min(...times) < 100, `${times} ms`);
});

test("sends, shows the states, receives, marks read", {}, async (v) => {
  await v.open();
  await v.send("Hello there");
  await v.state("Hello there", "sent");
  v.mock.lever({ do: "reply", body: "Hi! See https://example.com/a_(b)." });
  await v.bubble("Hi! See").waitFor();
  await v.state("Hello there", "read");
  await v.page.waitForTimeout(200);
  assert.equal(v.mock.world.conversations[0].contact_read, 2);
  assert.equal(v.mock.world.conversations[0].contact_delivered, 2);
  assert.equal(await v.page.locator(".text a").getAttribute("href"), "https://example.com/a_(b)");
  assert.equal(await v.page.locator(".text a").getAttribute("rel"), "noopener noreferrer nofollow");
});

test("a message is text, never HTML", {}, async (v) => {
  await v.open();
  await v.send("<img src=x onerror=alert(1)> javascript:alert(1)");
  await v.bubble("<img src=x").waitFor();
  assert.equal(await v.page.locator(".text img, .text a").count(), 0);
});

test("quick messages keep their order and are stored once although answers get lost", {}, async (v) => {
  await v.open();
  v.mock.world.loseAnswers = 2;
  for (const n of [1, 2, 3, 4, 5]) await v.send(`number ${n}`);
  await v.state("number 5", "sent");
  assert.deepEqual(
    v.mock.world.messages.map((one) => one.body),
    ["number 1", "number 2", "number 3", "number 4", "number 5"],
  );
  assert.equal(await v.page.locator(".message.own").count(), 5);
  assert.equal(v.mock.world.conversations.length, 1);
});

test("a failed message can be sent again by a tap and keeps its place", {}, async (v) => {
  await v.open();
  await v.send("first");
  await v.state("first", "sent");
  v.mock.world.failSends = 3;
  await v.send("second");
  await v.send("third");
  await v.state("second", "failed");
  await v.state("third", "failed");
  await v.shot("failed-send");
  await v.axe("failed");
  await v.page
    .getByRole("button", { name: /Tap to retry/ })
    .first()
    .click();
  await v.state("third", "sent");
  assert.deepEqual(
    v.mock.world.messages.map((one) => one.body),
    ["first", "second", "third"],
  );
});

test("what was not sent, and the draft, survive a reload", {}, async (v) => {
  await v.open();
  await v.send("first");
  await v.state("first", "sent");
  v.mock.world.failSends = 99;
  await v.send("unsent");
  await v.state("unsent", "failed");
  await v.box.fill("half a thought");
  v.mock.world.failSends = 0;
  await v.page.reload();
  await v.state("unsent", "sent");
  assert.equal(await v.box.inputValue(), "half a thought");
  assert.deepEqual(
    v.mock.world.messages.map((one) => one.body),
    ["first", "unsent"],
  );
});

test("a first message that got no answer makes one contact only", {}, async (v) => {
  await v.open();
  v.mock.world.loseAnswers = 1;
  await v.send("anybody?");
  await v.state("anybody?", "sent");
  assert.equal(v.mock.world.contacts.length, 1);
  v.mock.lever({ do: "reply", body: "yes" });
  await v.bubble("yes").waitFor();
});

test("comes back after a cut with everything, in order, and says so only after a while", {}, async (v) => {
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  await v.page.waitForTimeout(300);
  v.mock.world.denySockets = true;
  v.mock.lever({ do: "cut" });
  v.mock.lever({ do: "reply", body: "missed one" });
  v.mock.lever({ do: "reply", body: "missed two" });
  await v.page.waitForTimeout(1500);
  assert.equal(await v.page.getByText("No connection").count(), 0);
  await v.page.getByText("No connection").waitFor();
  await v.shot("line-lost");
  await v.axe("line lost");
  v.mock.world.denySockets = false;
  await v.page.evaluate(() => dispatchEvent(new Event("online")));
  await v.bubble("missed two").waitFor();
  assert.equal(await v.page.getByText("No connection").count(), 0);
  assert.deepEqual(await v.page.locator("[data-message-number] .text").allTextContents(), [
    "hello",
    "missed one",
    "missed two",
  ]);
});

test("reloads the snapshot when the server asks for it", {}, async (v) => {
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  await v.page.waitForTimeout(300);
  v.mock.world.tooFar = true;
  v.mock.lever({ do: "cut" });
  v.mock.world.frames.length = 0;
  v.mock.lever({ do: "reply", body: "while away" });
  v.mock.world.frames.length = 0;
  await v.bubble("while away").waitFor();
  v.mock.lever({ do: "resync" });
  await v.page.waitForTimeout(800);
  v.mock.lever({ do: "reply", body: "after" });
  await v.bubble("after").waitFor();
});

test("typing both ways", {}, async (v) => {
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  await v.page.waitForTimeout(300);
  v.mock.lever({ do: "typing", ttl: 1 });
  await v.page.locator(".typing").waitFor({ timeout: 300 });
  await v.shot("typing");
  await v.page.locator(".typing").waitFor({ state: "detached", timeout: 1500 });
  const began = Date.now();
  await v.box.pressSequentially("typing quite a while", { delay: 20 });
  const sent = v.mock.world.log.filter((one) => one.frame?.type === "typing").length;
  const most = 1 + Math.floor((Date.now() - began) / 2000); // a busy machine types slowly
  assert.ok(sent >= 1 && sent <= most, `${sent} signs of typing, at most ${most}`);
});

test("two tabs: own messages, read marks and tokens are shared", {}, async (v) => {
  const other = await visitor(v.mock, v.context);
  await v.open();
  await v.send("from tab one");
  await v.state("from tab one", "sent");
  await other.open();
  await other.bubble("from tab one").waitFor();
  await other.send("from tab two");
  await v.bubble("from tab two").waitFor();
  await v.page.waitForTimeout(300);
  assert.equal(await v.page.locator(".message.own").count(), 2);
  assert.equal(await other.page.locator(".message.own").count(), 2);
  assert.equal(v.mock.world.contacts.length, 1);
  await other.page.evaluate(() => window.parley.logout());
  await v.bubble("from tab one").waitFor({ state: "detached" });
  assert.equal(await v.page.evaluate(() => localStorage.length), 0);
});

test("unread: badge, title, and read on opening", {}, async (v) => {
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  await v.page.waitForTimeout(300);
  await v.page.getByRole("button", { name: "Close chat" }).click();
  await v.page.evaluate(() =>
    window.parley.on("unreadCountChanged", (data) => Object.assign(window, { heard: data })),
  );
  v.mock.lever({ do: "reply", body: "are you there?" });
  await v.page.locator(".badge", { hasText: "1" }).waitFor();
  assert.deepEqual(await v.page.evaluate(() => window.heard), { unread: 1 });
  await v.shot("badge");
  await v.axe("badge");
  assert.equal(v.mock.world.conversations[0].contact_read, 0);
  await v.open();
  await v.bubble("are you there?").waitFor();
  await v.page.waitForTimeout(200);
  assert.equal(v.mock.world.conversations[0].contact_read, 2);
});

test("ends with an inline question, goes on by writing, starts anew", {}, async (v) => {
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  v.mock.lever({ do: "reply", body: "hi" });
  await v.bubble("hi").waitFor();
  await v.page.getByRole("button", { name: "End conversation" }).click();
  await v.shot("end-question");
  await v.axe("end question");
  await v.page.keyboard.press("Escape");
  assert.equal(await v.dialog.count(), 1);
  await v.page.getByRole("button", { name: "End conversation" }).click();
  await v.page.getByRole("button", { name: "End it" }).click();
  await v.page.getByText("You ended the conversation").waitFor();
  await v.shot("ended");
  await v.axe("ended");
  await v.send("one more thing");
  await v.page.getByText("Conversation continued").waitFor();
  await v.state("one more thing", "sent");
  assert.equal(v.mock.world.conversations.length, 1);
  v.mock.lever({ do: "end" });
  await v.page.getByRole("button", { name: "Start a new conversation" }).click();
  await v.send("another matter");
  await v.state("another matter", "sent");
  assert.equal(v.mock.world.conversations.length, 2);
  await v.page.getByRole("button", { name: "All conversations" }).click();
  await v.shot("list");
  await v.axe("list");
  await v.page.getByRole("button", { name: /one more thing/ }).click();
  await v.bubble("one more thing").waitFor();
});

const STARS = {
  ratingForm: "stars",
  askFeedback: true,
  survey: { question: "Did we solve it?", options: ["Yes", "Partly", "No"] },
};

async function ended(v, world = STARS) {
  Object.assign(v.mock.world, world);
  await v.page.reload();
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  await v.page.waitForTimeout(300);
  v.mock.lever({ do: "end" });
  await v.page.getByRole("group", { name: /Your opinion|Ihre Meinung/ }).waitFor();
}
const said = (v, what) => v.mock.world.log.filter((one) => one.said === what);

test("after the end: stars, feedback and survey are sent at once and are there after a reload", {}, async (v) => {
  const before = await v.page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map((one) => one.name)
      .join(),
  );
  assert.ok(!/AfterCard/.test(before), "the card is loaded too early");
  await ended(v);
  await v.shot("after");
  await v.axe("after");
  await v.page.getByRole("radio", { name: "4 stars" }).check({ force: true });
  await v.page.getByText("You rated: 4 / 5").waitFor();
  await v.page.getByText("Thank you!").first().waitFor();
  await v.page.getByLabel("Would you like to tell us more?").fill("Quick and kind");
  await v.page.getByRole("button", { name: "Send feedback" }).click();
  await v.bubble("Quick and kind").waitFor();
  await v.page.getByRole("button", { name: "Partly" }).click();
  await v.page.getByText("Did we solve it? Partly").waitFor();
  assert.equal(await v.page.getByRole("button", { name: "Partly" }).count(), 0);
  await v.shot("after-said");
  await v.axe("after, said");
  await v.page.reload();
  await v.page.getByRole("radio", { name: "4 stars" }).waitFor({ state: "attached" });
  assert.ok(await v.page.getByRole("radio", { name: "4 stars" }).isChecked());
  assert.equal(await v.page.getByLabel("Would you like to tell us more?").count(), 0);
  assert.equal(await v.page.getByRole("button", { name: "Yes" }).count(), 0);
  assert.equal(
    await v.page
      .locator(".after")
      .getByText(/^Thank you/)
      .count(),
    3,
  );
  assert.equal(said(v, "rating").length + said(v, "feedback").length + said(v, "survey").length, 3);
  await v.send("one more thing");
  await v.page.getByRole("group", { name: "Your opinion" }).waitFor({ state: "detached" });
});

test("after the end: by keyboard, what the keys stop at is sent, and the focus is never lost", {}, async (v) => {
  await ended(v);
  await v.page.getByRole("radio", { name: "1 star", exact: true }).focus();
  for (const key of ["Space", "ArrowRight", "ArrowRight"]) await v.page.keyboard.press(key);
  await v.page.getByText("You rated: 3 / 5").waitFor();
  assert.deepEqual(
    said(v, "rating").map((one) => one.value),
    [3],
  );
  await v.page.keyboard.press("Tab");
  await v.page.keyboard.type("By keyboard");
  await v.page.keyboard.press("Tab");
  await v.page.keyboard.press("Enter");
  await v.bubble("By keyboard").waitFor();
  const focused = () => v.page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.textContent);
  assert.equal(await focused(), "Thank you for your feedback.");
  await v.page.keyboard.press("Tab");
  await v.page.keyboard.press("Enter");
  await v.page.getByText("Did we solve it? Yes").waitFor();
  assert.equal(await focused(), "Thank you!");
});

test("after the end: what was not stored says so and can be tried again", {}, async (v) => {
  await ended(v);
  v.mock.world.failSaid = 3;
  await v.page.getByRole("radio", { name: "2 stars" }).check({ force: true });
  await v.page.getByRole("button", { name: "Try again" }).waitFor();
  assert.ok(await v.page.getByRole("radio", { name: "2 stars" }).isChecked());
  await v.page.getByLabel("Would you like to tell us more?").fill("Still here");
  await v.page.getByRole("button", { name: "Send feedback" }).click();
  await v.page.getByRole("button", { name: "No" }).click();
  await v.page.getByRole("alert").filter({ hasText: "did not work" }).nth(2).waitFor();
  await v.shot("after-failed");
  await v.axe("after, failed");
  await v.page.getByRole("button", { name: "Try again" }).first().click();
  await v.page.getByText("You rated: 2 / 5").waitFor();
  await v.page.getByRole("button", { name: "Try again" }).click();
  await v.page.getByRole("button", { name: "Send feedback" }).click();
  await v.bubble("Still here").waitFor();
  await v.page.getByText("Did we solve it? No").waitFor();
  assert.equal(await v.page.getByRole("alert").filter({ hasText: "did not work" }).count(), 0);
});

test("after the end: thumbs, in German", {}, async (v) => {
  Object.assign(v.mock.world.widget, { lang: "de" });
  Object.assign(v.mock.world, { ratingForm: "thumbs", askFeedback: true });
  await v.page.reload();
  await v.page.getByRole("button", { name: "Chat öffnen" }).click();
  const box = v.page.getByRole("textbox", { name: "Nachricht schreiben" });
  await box.fill("Hallo");
  await box.press("Enter");
  await v.state("Hallo", "sent");
  await v.page.waitForTimeout(300);
  v.mock.lever({ do: "end" });
  await v.page.getByRole("radio", { name: "Gut", exact: true }).check({ force: true });
  await v.page.getByText("👍").waitFor();
  await v.page.getByText("Vielen Dank!").waitFor();
  assert.deepEqual(
    said(v, "rating").map((one) => one.value),
    [5],
  );
  await v.shot("after-thumbs-de");
  await v.axe("after, thumbs");
});

for (const theme of ["light", "dark"]) {
  test(`after the end: 320 px, ${theme}`, {
    context: { ...PHONE, viewport: { width: 320, height: 640 } },
  }, async (v) => {
    Object.assign(v.mock.world.widget, { theme });
    await ended(v);
    await v.page.getByRole("radio", { name: "4 stars" }).check({ force: true });
    await v.page.getByText("You rated: 4 / 5").waitFor();
    // The card is longer than the window: its beginning is what is seen, and stays there when something is said.
    assert.ok(await v.page.getByText("How was this conversation?").isVisible());
    const wide = await v.page.locator(".log").evaluate((box) => box.scrollWidth > box.clientWidth);
    assert.equal(wide, false);
    await v.shot(`after-320-${theme}`);
    await v.page
      .locator(".log")
      .evaluate((box) => box.scrollTo(0, box.scrollHeight - box.clientHeight - 180));
    await v.shot(`after-320-${theme}-up`);
    await v.axe(`after, ${theme}`);
  });
}

test("after an end that asks for nothing there is no card", {}, async (v) => {
  Object.assign(v.mock.world, STARS);
  await v.page.reload();
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  await v.page.waitForTimeout(300);
  v.mock.lever({ do: "end", discard: true });
  await v.page.getByText("This conversation has ended.").waitFor();
  await v.page.waitForTimeout(400);
  assert.equal(await v.page.locator(".after").count(), 0);
  await v.send("one more thing");
  await v.state("one more thing", "sent");
  v.mock.lever({ do: "end" });
  await v.page.getByRole("group", { name: "Your opinion" }).waitFor();
});

test("a widget that asks for nothing shows no card", {}, async (v) => {
  Object.assign(v.mock.world, { ratingForm: "", askFeedback: false, survey: null });
  await v.page.reload();
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  await v.page.waitForTimeout(300);
  v.mock.lever({ do: "end" });
  await v.page.getByText("This conversation has ended.").waitFor();
  await v.page.waitForTimeout(400);
  assert.equal(await v.page.locator(".after").count(), 0);
});

test("the page's script: goals, rating, free fields, and an opening that the page made", {}, async (v) => {
  const call = (name, ...values) => v.page.evaluate(([n, list]) => window.parley[n](...list), [name, values]);
  assert.equal((await call("goal", "newsletter")).kind, "success");
  await call("setContactInfo", { name: "Zoe", additional02: { name: "Plan", value: "gold" } });
  await call("setContactInfo", { additional01: "blue" });
  await call("open", { proactive: true });
  await v.send("hello");
  await v.state("hello", "sent");
  const [first] = v.mock.world.log.filter((one) => one.sent);
  assert.equal(first.sent.visit.proactive, true);
  assert.deepEqual(first.sent.contact, {
    name: "Zoe",
    additional: [{ name: "", value: "blue" }, { name: "Plan", value: "gold" }, null],
  });
  assert.equal((await call("goal", "newsletter")).kind, "success");
  assert.deepEqual(await call("goal", "nothing"), {
    kind: "error",
    code: "goal.not_found",
    message: "no such goal",
  });
  // Before there was anybody who could reach it, nothing was asked.
  assert.deepEqual(
    v.mock.world.log.filter((one) => one.goal).map((one) => one.goal),
    ["newsletter", "nothing"],
  );
  assert.equal((await call("rate", 5)).kind, "success");
  assert.equal(v.mock.world.conversations[0].rating, 5);
  await v.page.getByRole("button", { name: "Close chat" }).click();
  await v.open();
  await v.send("again");
  await v.state("again", "sent");
  assert.equal(v.mock.world.log.filter((one) => one.sent).at(-1).sent.visit.proactive, false);
});

test("ended while the visitor was writing: the message goes through all the same", {}, async (v) => {
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  await v.page.waitForTimeout(300);
  v.mock.world.denySockets = true;
  v.mock.lever({ do: "cut" });
  v.mock.lever({ do: "end" });
  await v.send("wait, one more");
  await v.state("wait, one more", "sent");
  assert.equal(v.mock.world.conversations.length, 1);
});

test("history is fetched on scrolling up and stays in place", {}, async (v) => {
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  v.mock.world.messages.length = 0;
  v.mock.lever({ do: "fill", count: 500 });
  await v.page.reload();
  await v.bubble("Message 500:").waitFor();
  await v.shot("many");
  const log = v.page.getByRole("log");
  for (let i = 0; i < 60 && !(await v.bubble("Message 1:").count()); i++) {
    await log.evaluate((one) => {
      one.scrollTop = 0;
    });
    await v.page.waitForTimeout(60);
  }
  assert.equal(await v.page.locator("[data-message-number]").count(), 500);
  const numbers = await v.page
    .locator("[data-message-number]")
    .evaluateAll((all) => all.map((one) => Number(one.dataset.messageNumber)));
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
  v.mock.lever({ do: "reply", body: "look down here" });
  await v.page.getByRole("button", { name: "New messages" }).waitFor();
  await v.shot("many-up");
  await v.axe("many");
  await v.page.getByRole("button", { name: "New messages" }).click();
  const ms = await v.page.evaluate(async () => {
    const { shadowRoot: root } = [...document.body.children].find((one) => one.shadowRoot);
    root.querySelector(".launcher").click();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const start = performance.now();
    root.querySelector(".launcher").click();
    while (!root.querySelector("[role=dialog]"))
      await new Promise((resolve) => requestAnimationFrame(resolve));
    return performance.now() - start;
  });
  console.log(`    open with 500 messages: ${ms.toFixed(0)} ms`);
});

test("the page's API", {}, async (v) => {
  await v.launcher.waitFor();
  const run = (act) => v.page.evaluate(act);
  assert.equal((await run(() => window.parley.getState())).value.visibility, "minimized");
  await run(() => {
    window.heard = [];
    for (const name of [
      "ready",
      "opened",
      "closed",
      "messageSent",
      "messageReceived",
      "conversationEnded",
      "error",
    ])
      window.parley.on(name, () => window.heard.push(name));
    window.parley("setContactInfo", { name: "Kim", email: "kim@shop.example" });
    window.parley("setCustomData", { plan: "gold" });
  });
  assert.equal((await run(() => window.parley("open"))).kind, "success");
  await v.dialog.waitFor();
  await v.send("hello");
  await v.state("hello", "sent");
  assert.deepEqual(v.mock.world.log.find((one) => one.sent).sent.custom, { plan: "gold" });
  assert.equal(v.mock.world.contacts[0].email, "kim@shop.example");
  await v.page.waitForTimeout(200);
  v.mock.lever({ do: "reply", body: "hi" });
  await v.bubble("hi").waitFor();
  v.mock.lever({ do: "end" });
  await v.page.getByText("ended the conversation").waitFor();
  assert.equal((await run(() => window.parley.setContactInfo({ name: "Kim B" }))).kind, "success");
  const state = (await run(() => window.parley.getState())).value;
  assert.equal(state.contact.name, "Kim B");
  assert.equal(state.visibility, "maximized");
  assert.equal((await run(() => window.parley.openConversation(999))).code, "conversation.not_found");
  assert.equal((await run(() => window.parley.identify("eyJ.bad.x"))).code, "identity.invalid");
  assert.equal((await run(() => window.parley.identify("eyJ.good-one.x"))).kind, "success");
  await v.bubble("hello").waitFor();
  await run(() => window.parley.close());
  assert.deepEqual(await run(() => window.heard), [
    "ready",
    "opened",
    "messageSent",
    "messageReceived",
    "conversationEnded",
    "error",
    "closed",
  ]);
  await run(() => window.parley.setVisibility({ button: false }));
  assert.equal(await v.launcher.count(), 0);
  await run(() => window.parley.setVisibility({ main: true }));
  await v.dialog.waitFor();
  await v.page.getByRole("button", { name: "Close chat" }).waitFor();
  await v.shot("no-button");
  await run(() => window.parley.unmount());
  assert.equal(await v.dialog.count(), 0);
  assert.equal((await run(() => window.parley.open())).code, "not_mounted");
  await run(() => window.parley.setVisibility({ button: true }));
  await run(() => window.parley.mount());
  await v.launcher.waitFor();
});

test("the element and the module", { path: "/blank" }, async (v) => {
  await v.page.evaluate(async () => {
    await import("/widget/embed.js");
    const element = document.createElement("parley-messenger");
    element.setAttribute("widget", "w_demo");
    document.body.append(element);
  });
  await v.open();
  await v.send("from the element");
  await v.state("from the element", "sent");
  await v.axe("element");
  await v.page.evaluate(() => document.querySelector("parley-messenger").remove());
  await v.dialog.waitFor({ state: "detached" });
  assert.equal(await v.launcher.count(), 0);
});

test("a denied or unknown widget shows nothing", { path: "/demo/shop?key=w_denied" }, async (v) => {
  const warned = v.page.waitForEvent("console", (line) => line.text().includes("widget.origin_denied"));
  await v.page.reload();
  await warned;
  assert.equal(await v.launcher.count(), 0);
  assert.equal((await v.page.evaluate(() => window.parley.open())).code, "widget.origin_denied");
});

test("follows a single-page site", {}, async (v) => {
  await v.page.getByRole("link", { name: "See the lamp" }).click();
  await v.open();
  await v.send("about this lamp");
  await v.state("about this lamp", "sent");
  const { visit } = v.mock.world.log.find((one) => one.sent).sent;
  assert.equal(visit.page_impressions, 2);
  assert.equal(visit.visits, 1);
  assert.ok(visit.url.endsWith("/demo/shop/product") && visit.initial_url.endsWith("/demo/shop"));
  await v.page.waitForTimeout(300);
  await v.page.getByRole("link", { name: "Shop", exact: true }).first().click();
  await v.page.waitForTimeout(600);
  const pages = v.mock.world.log.filter((one) => one.frame?.type === "page");
  assert.ok(pages.at(-1).frame.url.endsWith("/demo/shop"));
  assert.ok(await v.dialog.isVisible());
});

test("focus goes in and comes back, Escape closes, announcements", {}, async (v) => {
  await v.open();
  const focused = () =>
    v.page.evaluate(() => {
      const host = document.activeElement;
      return host?.shadowRoot?.activeElement?.getAttribute("aria-label") ?? host?.tagName;
    });
  assert.equal(await focused(), "Write a message");
  await v.page.keyboard.press("Escape");
  await v.dialog.waitFor({ state: "detached" });
  assert.equal(await focused(), "Open chat");
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  await v.page.waitForTimeout(300);
  v.mock.lever({ do: "reply", body: "spoken" });
  await v.page.locator("[aria-live=polite]", { hasText: "Ann Lee: spoken" }).waitFor();
});

test("input methods and lines", {}, async (v) => {
  await v.open();
  await v.box.fill("one");
  await v.box.press("Shift+Enter");
  await v.box.pressSequentially("two");
  assert.equal(await v.box.inputValue(), "one\ntwo");
  await v.box.evaluate((one) =>
    one.dispatchEvent(
      new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }),
    ),
  );
  assert.equal(await v.box.inputValue(), "one\ntwo");
  const small = (await v.box.boundingBox()).height;
  await v.box.fill("1\n2\n3\n4\n5\n6\n7\n8\n9");
  const big = (await v.box.boundingBox()).height;
  assert.ok(big > small && big < 140, `${small} ${big}`);
  await v.shot("composer-tall");
});

test("phone: full screen, back closes", { context: PHONE }, async (v) => {
  await v.page.getByRole("link", { name: "See the lamp" }).click();
  await v.open();
  await v.shot("phone-empty");
  await v.send("Hello from a phone");
  await v.state("Hello from a phone", "sent");
  v.mock.lever({ do: "reply", body: "Hi! The lamp is in stock and would be with you on Tuesday." });
  await v.bubble("in stock").waitFor();
  await v.shot("phone-conversation");
  await v.axe("phone");
  const box = await v.dialog.boundingBox();
  assert.deepEqual([box.x, box.y, box.width, Math.round(box.height)], [0, 0, 375, 720]);
  await v.page.goBack();
  await v.dialog.waitFor({ state: "detached" });
  assert.ok(v.page.url().endsWith("/demo/shop/product"));
  await v.open();
  await v.page.getByRole("button", { name: "Close chat" }).click();
  await v.dialog.waitFor({ state: "detached" });
  await v.page.waitForTimeout(200);
  assert.ok(v.page.url().endsWith("/demo/shop/product"));
  await v.page.goBack();
  await v.page.waitForTimeout(200);
  assert.ok(v.page.url().endsWith("/demo/shop"), v.page.url());
});

async function talk(v) {
  await v.open();
  await v.send("Hello! Is the lamp “Dusk” in stock?");
  await v.state("Is the lamp", "sent");
  v.mock.lever({ do: "reply", body: "Hi! Yes, eleven of them." });
  v.mock.lever({
    do: "reply",
    body: "It is at https://shop.example/lamps/dusk-table-lamp?colour=linen, with all its measures. Shall I put one aside for you?",
  });
  await v.bubble("eleven").waitFor();
  await v.send("Yes please 🙂");
  await v.send("👍");
  await v.state("Yes please", "sent");
  v.mock.lever({ do: "reply", body: "Done." });
  await v.bubble("Done.").waitFor();
  await v.send("Thank you!");
  await v.state("Thank you", "sent");
}
for (const scheme of ["light", "dark"]) {
  for (const width of [320, 768, 1440]) {
    const context = { viewport: { width, height: width === 320 ? 640 : 860 }, colorScheme: scheme };
    test(`looks: ${scheme} ${width}`, { context }, async (v) => {
      await v.launcher.waitFor();
      await v.shot(`${scheme}-${width}-shop`);
      await v.axe("shop");
      await v.open();
      await v.shot(`${scheme}-${width}-empty`);
      await v.axe("empty");
      if (width === 320) await v.page.getByRole("button", { name: "Close chat" }).click();
      else await v.page.keyboard.press("Escape");
      await talk(v);
      await v.shot(`${scheme}-${width}-conversation`);
      await v.axe("conversation");
    });
  }
}
test("looks: right to left", { path: "/demo/shop?rtl" }, async (v) => {
  await v.open();
  await v.send("مرحبا، هل المصباح متوفر؟");
  await v.state("مرحبا", "sent");
  v.mock.lever({ do: "reply", body: "نعم، متوفر. See https://shop.example/dusk for more." });
  v.mock.lever({ do: "reply", body: "Plain English text here." });
  await v.bubble("Plain English").waitFor();
  await v.shot("rtl");
  await v.axe("rtl");
});
const LONG = "Maximiliane-Alexandra von und zu Hohenlohe-Langenburg-Weikersheim";
test("looks: long names", {
  widget: {
    title: `${LONG} & Sons Department Store`,
    subtitle:
      "We answer every question about garden furniture, lamps and everything in between within one working day",
  },
  world: {
    operators: [
      { name: LONG, image_url: "" },
      { name: "木村 花子", image_url: "" },
      { name: "É", image_url: "" },
    ],
  },
}, async (v) => {
  await v.open();
  await v.shot("long-empty");
  await v.send(
    `${"Donaudampfschifffahrtsgesellschaftskapitän".repeat(4)} https://shop.example/${"very-long-path/".repeat(12)}`,
  );
  await v.state("Donau", "sent");
  v.mock.lever({ do: "reply", name: LONG, body: "ok" });
  await v.bubble("ok").waitFor();
  await v.shot("long-names");
  await v.axe("long");
  await v.page.getByRole("button", { name: "All conversations" }).click();
  await v.shot("long-list");
  await v.axe("long list");
});
for (const [name, color] of [
  ["yellow", "#facc15"],
  ["white", "#ffffff"],
  ["black", "#000000"],
  ["orange", "#f97316"],
  ["teal", "#14b8a6"],
]) {
  test(`looks: brand ${name}`, {
    widget: { color, theme: name === "black" || name === "white" ? "dark" : "light" },
  }, async (v) => {
    await talk(v);
    await v.shot(`brand-${name}`);
    await v.axe(name);
  });
}
test("looks: away, offline, German, left", {
  widget: { lang: "de", position: "left", title: "Werkstatt" },
  world: { availability: "offline", operators: [] },
}, async (v) => {
  await v.page.getByRole("button", { name: "Chat öffnen" }).click();
  await v.page.getByRole("textbox", { name: "Nachricht schreiben" }).waitFor();
  await v.shot("german-offline");
  await v.axe("offline");
});
test("looks: zoomed in", { context: { viewport: { width: 640, height: 400 } } }, async (v) => {
  await talk(v);
  await v.shot("zoom");
  await v.axe("zoom");
});
test("identity is required", { world: { identityRequired: true } }, async (v) => {
  await v.open();
  await v.page.getByText("Please sign in on this site").waitFor();
  await v.shot("identity");
  await v.axe("identity");
  await v.page.evaluate(() => window.parley.identify("eyJ.good-two.x"));
  await v.send("now I may");
  await v.state("now I may", "sent");
});

fileTests(test);
accountTests(test);
outsideTests(test);

// Every test has a browser context and a mock server of its own, so several run side by side: most of a test is waiting.
// The first ones measure how fast something opens and run alone.
const ALONE = 2;
const TOGETHER = Number(process.env.TOGETHER ?? 4);

let broken = 0;
async function runOne({ name, options, run }) {
  const mock = await startMock();
  mock.lever({ do: "set", world: options.world ?? {}, widget: options.widget ?? {} });
  const started = Date.now();
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    ...options.context,
  });
  try {
    const v = await visitor(mock, context, options.path);
    const late = new Promise((_, reject) =>
      setTimeout(reject, 40_000 * patience, new Error("took too long")).unref(),
    );
    await Promise.race([run({ ...v, mock, context }), late]);
    assert.deepEqual(v.faults, [], "page errors");
    console.log(`ok   ${name} (${Date.now() - started} ms)`);
  } catch (fault) {
    broken++;
    console.log(
      `FAIL ${name}\n     ${String(fault.message ?? fault)
        .slice(0, 1500)
        .replaceAll("\n", "\n     ")}`,
    );
    for (const page of context.pages())
      await page
        .screenshot({ path: join(shots, `FAIL-${name.replace(/\W+/g, "-")}.png`) })
        .catch(() => undefined);
  } finally {
    await context.close();
    mock.stop();
  }
}

const chosen = tests.filter(({ name }) => !only || new RegExp(only).test(name));
for (const one of chosen.slice(0, ALONE)) await runOne(one);
const waiting = chosen.slice(ALONE);
await Promise.all(
  Array.from({ length: TOGETHER }, async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) await runOne(one);
  }),
);
await browser.close();
console.log(`${chosen.length - broken} passed, ${broken} failed; ${pictures} pictures in ${shots}`);
process.exit(broken || chosen.length === 0 ? 1 : 0);
