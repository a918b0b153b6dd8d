// Walks through an operator's work in a real browser against the stand-in server: live arrival, sending, undo, drafts,
// a cut line, and how fast ten thousand conversations are.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { CHROMIUM } from "./chromium.mjs";
import { channelScenes } from "./flow-channels.mjs";
import { fileScenes } from "./flow-files.mjs";
import { hookScenes } from "./flow-hooks.mjs";
import { mailScenes } from "./flow-mail.mjs";
import { tableScenes } from "./flow-table.mjs";
import { addMessage, broadcast, contactWrites, emit, makeWorld, startServer } from "./mock-server.mjs";

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // A tone for a microphone, and nobody who has to allow it.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
  ],
});
let failed = 0;

const only = process.argv[2];

async function scene(name, options, run) {
  if (only && !name.includes(only)) return;
  const world = makeWorld(options);
  const frames = [];
  world.onFrame = (frame) => frames.push(frame);
  const { server, port } = await startServer(world);
  const context = await browser.newContext({ viewport: options.viewport ?? { width: 1440, height: 860 } });
  const page = await context.newPage();
  const base = `http://127.0.0.1:${port}/app`;
  try {
    await run({ page, world, base, frames });
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${String(error.message).slice(0, 600)}`);
    await page.screenshot({ path: `/tmp/parley-flow-${name.replaceAll(" ", "-")}.png` }).catch(() => {});
  }
  await context.close();
  server.closeAllConnections();
  server.close();
}

const lines = (page) => page.getByRole("log").locator("[data-message-number]");
const reply = (page) => page.getByRole("textbox", { name: "Reply" });

await scene("a message arrives live", {}, async ({ page, world, base, frames }) => {
  await page.goto(`${base}/`);
  await page
    .getByRole("link", { name: /Tomás Vidal/ })
    .first()
    .waitFor();
  contactWrites(world, 20, "Is anybody there?");
  const first = page.locator("[data-conversation]").first();
  await page.getByText("Is anybody there?").waitFor({ timeout: 1000 });
  assert.equal(await first.getAttribute("data-conversation"), "20");
  await first.click();
  await page.getByRole("log").getByText("Is anybody there?").waitFor();
  await page.waitForTimeout(300);
  assert.equal(world.conversations.get(20).unread, 0, "read on the server");
  assert.ok(frames.some((frame) => frame.type === "viewing" && frame.conversation_id === 20));
  contactWrites(world, 20, "Second line");
  await page.getByRole("log").getByText("Second line").waitFor({ timeout: 1000 });
});

await scene("title shows unread", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/`);
  await page.locator("[data-conversation]").first().waitFor();
  assert.match(await page.title(), /^\(\d+\) Parley$/);
  const before = Number(/\d+/.exec(await page.title())[0]);
  contactWrites(world, 7, "one more");
  await page.waitForFunction(
    (n) => document.title.startsWith(`(${n})`),
    before + (world.conversations.get(7).operator?.id === 2 ? 0 : 1),
  );
});

await scene("sending shows at once and gets its ticks", {}, async ({ page, world, base, frames }) => {
  world.delay = 300;
  await page.goto(`${base}/inbox/5`);
  await reply(page).fill("Good morning!");
  await page.keyboard.press("Enter");
  await page.locator('[data-state="pending"]').waitFor({ timeout: 200 });
  await page.locator('[data-sender="operator"][data-state="sent"]').last().waitFor();
  assert.equal((await page.getByText("Good morning!", { exact: true }).count()) >= 1, true);
  await page.locator('[data-sender="operator"][data-state="read"]').last().waitFor();
  assert.equal(await page.getByRole("log").getByText("Good morning!", { exact: true }).count(), 1);
  assert.equal(await reply(page).inputValue(), "");
  assert.ok(frames.some((frame) => frame.type === "typing"));
  await page.getByText("Yours").waitFor();
});

await scene("a busy server gets the same key again", {}, async ({ page, world, base }) => {
  world.failNext = 0;
  await page.goto(`${base}/inbox/3`);
  await reply(page).waitFor();
  world.failNext = 2;
  await reply(page).fill("Once only");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page
    .locator('[data-sender="operator"][data-state="sent"]', { hasText: "Once only" })
    .waitFor({ timeout: 8000 });
  assert.equal(world.messages.get(3).filter((m) => m.body === "Once only").length, 1);
});

await scene("ending can be undone", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/inbox/3`);
  await reply(page).waitFor();
  await page.getByRole("heading", { name: "Mei Tanaka" }).click();
  await page.keyboard.press("e");
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await page.waitForTimeout(5300);
  assert.equal(world.conversations.get(3).status, "pending");
  await page.getByRole("button", { name: "End conversation" }).click();
  await page.waitForTimeout(5500);
  assert.equal(world.conversations.get(3).status, "ended");
  await page.getByRole("button", { name: "Reopen" }).click();
  await reply(page).waitFor({ timeout: 2000 });
  assert.equal(world.conversations.get(3).status, "open");
});

await scene("a draft survives a reload", {}, async ({ page, base }) => {
  await page.goto(`${base}/inbox/3`);
  await reply(page).fill("half a sentence");
  await page.reload();
  await reply(page).waitFor();
  assert.equal(await reply(page).inputValue(), "half a sentence");
});

await scene("the keyboard is enough", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/`);
  await page.locator("[data-conversation]").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/inbox\/2/);
  await page.waitForTimeout(200);
  await page.keyboard.press("r");
  await page.waitForTimeout(100);
  await page.keyboard.type("jk? e");
  assert.equal(await reply(page).inputValue(), "jk? e");
  await page.keyboard.press("Escape");
  await page.keyboard.press("n");
  await page.waitForTimeout(100);
  await page.keyboard.type("for us");
  await page.keyboard.press("Enter");
  await page.locator("[data-note]", { hasText: "for us" }).waitFor();
  assert.equal(world.messages.get(2).at(-1).note, true);
  await page.keyboard.press("Escape");
  // The note was activity: its conversation goes to the top, and the next one is what was the first.
  await page.locator('.list-slot:has([data-conversation="2"])[aria-posinset="1"]').waitFor();
  await page.keyboard.press("j");
  await page.waitForURL(/inbox\/1/);
  await page.keyboard.press("/");
  await page.keyboard.type("tomás");
  await page.waitForTimeout(100);
  assert.equal((await page.locator("[data-conversation]").count()) >= 1, true);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder("Search or type").fill("dark");
  await page.getByRole("menuitem", { name: /Dark theme/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForTimeout(200);
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
});

await scene("a cut line resumes complete and in order", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/inbox/3`);
  await reply(page).waitFor();
  await page.waitForTimeout(200);
  const before = await lines(page).count();
  world.down = true;
  for (const line of world.sockets) line.terminate();
  for (let n = 0; n < 30; n += 1) contactWrites(world, 3, `while away ${n}`);
  await page.getByText("Connection lost").waitFor({ timeout: 4500 });
  world.down = false;
  const begin = Date.now();
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  await page.getByRole("log").getByText("while away 29").waitFor({ timeout: 3000 });
  const passed = Date.now() - begin;
  const numbers = await lines(page).evaluateAll((all) =>
    all.map((each) => Number(each.dataset.messageNumber)),
  );
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
  assert.equal(new Set(numbers).size, numbers.length);
  assert.equal(numbers.length, before + 30);
  assert.ok(passed < 1000, `${passed} ms`);
  assert.equal(await page.getByText("Connection lost").count(), 0);
});

await scene("a resync reloads what is shown", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/inbox/3`);
  await reply(page).waitFor();
  await page.waitForTimeout(200);
  addMessage(world, 3, { body: "never announced", sender: { type: "contact", id: 3, name: "Mei Tanaka" } });
  world.seq += 5;
  broadcast(world, { type: "resync", reason: "too_far" });
  await page.getByRole("log").getByText("never announced").waitFor({ timeout: 3000 });
  await page.waitForTimeout(300);
  contactWrites(world, 3, "and live again");
  await page.getByRole("log").getByText("and live again").waitFor({ timeout: 2000 });
});

await scene("history loads while scrolling up and stays in place", {}, async ({ page, base }) => {
  await page.goto(`${base}/inbox/1`);
  await lines(page).last().waitFor();
  for (let n = 0; n < 12; n += 1) {
    await page.getByRole("log").evaluate((box) => {
      box.scrollTop = 0;
    });
    await page.waitForTimeout(150);
  }
  const numbers = await lines(page).evaluateAll((all) =>
    all.map((each) => Number(each.dataset.messageNumber)),
  );
  assert.equal(numbers.length, 500);
  assert.equal(numbers[0], 1);
  await page.getByRole("button", { name: "Newest" }).click();
  const end = await page
    .getByRole("log")
    .evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight);
  assert.ok(end < 5);
});

await scene("ten thousand conversations", { conversations: 10_000 }, async ({ page, world, base }) => {
  await page.goto(`${base}/`);
  await page.locator("[data-conversation]").first().waitFor();
  const list = page.locator(".list-scroll");
  for (let n = 0; n < 60; n += 1) {
    await list.evaluate((box) => {
      box.scrollTop = box.scrollHeight;
    });
    await page.waitForTimeout(60);
  }
  const height = await list.evaluate((box) => box.scrollHeight);
  assert.ok(height > 84 * 8000, `only ${Math.round(height / 84)} rows`);
  await list.evaluate((box) => {
    box.scrollTop = 0;
  });
  await page.waitForTimeout(200);
  const frames = await list.evaluate(async (box) => {
    const times = [];
    let last = performance.now();
    for (let n = 0; n < 120; n += 1) {
      box.scrollTop += 400;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const now = performance.now();
      times.push(now - last);
      last = now;
    }
    return times.sort((a, b) => a - b);
  });
  console.log(`     scrolling: median frame ${frames[60].toFixed(1)} ms, p95 ${frames[114].toFixed(1)} ms`);
  await list.evaluate((box) => {
    box.scrollTop = 0;
  });
  await page.waitForTimeout(200);
  const ids = await page
    .locator("[data-conversation]")
    .evaluateAll((all) => all.slice(0, 6).map((each) => each.dataset.conversation));
  for (const id of ids) {
    await page.locator(`[data-conversation="${id}"]`).click();
    await page.getByRole("log").locator("[data-message-number]").first().waitFor();
  }
  const times = [];
  for (const id of [...ids, ...ids]) {
    times.push(
      await page.evaluate(async (id) => {
        const begin = performance.now();
        document.querySelector(`[data-conversation="${id}"]`).click();
        while (
          !location.pathname.endsWith(`/${id}`) ||
          !document.querySelector('[role="log"] [data-message-number]')
        )
          await new Promise((resolve) => setTimeout(resolve, 0));
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
        return performance.now() - begin;
      }, id),
    );
  }
  times.sort((a, b) => a - b);
  console.log(`     switching: median ${times[6].toFixed(1)} ms, worst ${times.at(-1).toFixed(1)} ms`);
  assert.ok(times[6] < 50, `${times[6]} ms`);
  const begin = Date.now();
  for (let n = 1; n <= 200; n += 1) contactWrites(world, 5000 + n, `burst ${n}`);
  await page.locator(".list-pane").getByText("burst 200").waitFor();
  console.log(`     200 events in a burst: ${Date.now() - begin} ms`);
});

await scene(
  "a phone shows one column at a time",
  { viewport: { width: 360, height: 640 } },
  async ({ page, base }) => {
    await page.goto(`${base}/`);
    await page
      .getByRole("link", { name: /Mei Tanaka/ })
      .first()
      .click();
    await reply(page).waitFor();
    assert.equal(await page.locator(".list-pane").isVisible(), false);
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: /Show the contact/ }).click();
    await page.getByRole("dialog").getByText("mei.tanaka@example.net").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Back to the list" }).click();
    await page.locator(".list-pane").waitFor();
  },
);

await scene("assign forward and status", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/inbox/8?view=all`);
  await page.getByRole("button", { name: "Take", exact: true }).click();
  await page.locator(".thread-owner", { hasText: "Yours" }).waitFor();
  await page.waitForTimeout(200);
  await page.getByRole("link", { name: "Mine 10" }).waitFor();
  assert.equal(world.conversations.get(8).operator.id, 1);
  await page.getByRole("button", { name: "Forward" }).click();
  await page.getByRole("searchbox", { name: "Search operators and groups" }).fill("chi");
  await page.getByRole("menuitem", { name: /Chidi Okafor/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByText("forwarded the conversation to Chidi Okafor").waitFor();
  assert.equal(world.conversations.get(8).operator.id, 3);
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: /Mark as pending/ }).click();
  await page.locator(".thread-head").getByText("Pending").waitFor();
  emit(world, "operator.status_changed", {
    operator: { ...world.operators[2], name: "Chidi O.", status: "offline" },
  });
  await page.locator(".thread-head").getByText("Chidi O.").waitFor();
});

await scene("a command is completed and run", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/inbox/3`);
  await reply(page).waitFor();
  await page.waitForTimeout(200);
  const before = world.messages.get(3).length;
  await page.keyboard.press("r");
  await page.waitForTimeout(100);
  await page.keyboard.type("$fo");
  const chosen = page.getByRole("option", { selected: true });
  assert.match(await chosen.textContent(), /^\$forward/);
  assert.equal(await reply(page).getAttribute("aria-activedescendant"), await chosen.getAttribute("id"));
  await page.keyboard.press("Enter");
  assert.equal(await reply(page).inputValue(), "$forward ");
  await page.getByRole("option", { name: /Orders and returns/ }).waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("listbox").count(), 0);
  assert.equal(await reply(page).inputValue(), "$forward ", "closing the list keeps the text");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("Type it as $forward NAME").waitFor();
  assert.equal(await reply(page).inputValue(), "$forward ", "a refusal keeps the text");
  await page.keyboard.press("Backspace");
  await page.keyboard.type(" chi");
  await page.getByRole("option", { name: /Chidi Okafor/, selected: true }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await reply(page).inputValue(), "$forward Chidi Okafor ");
  await page.keyboard.press("Enter");
  await page.locator("[data-answer]", { hasText: "Chidi Okafor has the conversation now." }).waitFor();
  assert.equal(await reply(page).inputValue(), "");
  assert.equal(world.conversations.get(3).operator.id, 3);
  const after = world.messages.get(3).slice(before);
  assert.deepEqual(
    after.map((m) => m.type),
    ["event"],
    "nothing but the event reached the conversation",
  );
  // Only here: another look at the same conversation does not have the answer.
  await page.reload();
  await reply(page).waitFor();
  assert.equal(await page.locator("[data-answer]").count(), 0);
});

await scene("a command is run once over a bad line", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/inbox/3`);
  await reply(page).waitFor();
  world.failNext = 2;
  await reply(page).fill("$note only once");
  await page.keyboard.press("Enter");
  await page.getByText("Waiting for the connection").waitFor();
  await page.locator("[data-answer]", { hasText: "The note is stored" }).waitFor({ timeout: 8000 });
  assert.equal(world.messages.get(3).filter((m) => m.body === "only once").length, 1);
  assert.equal(world.ran.length, 1);
  await page.locator("[data-note]", { hasText: "only once" }).waitFor();
});

await scene("an unknown command does not reach the contact", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/inbox/3`);
  await reply(page).waitFor();
  const before = world.messages.get(3).length;
  await reply(page).fill("!greatthing");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("There is no command").waitFor();
  assert.equal(world.messages.get(3).length, before);
  await page.getByRole("button", { name: "Send as text" }).click();
  await page.locator('[data-sender="operator"]', { hasText: "!greatthing" }).waitFor();
  await reply(page).fill("$50 each");
  await page.keyboard.press("Enter");
  await page.locator('[data-sender="operator"]', { hasText: "$50 each" }).waitFor();
  await page.getByRole("radio", { name: "Note" }).click();
  await page.getByRole("textbox", { name: "Internal note" }).fill("$nothing of ours");
  await page.keyboard.press("Enter");
  await page.locator("[data-note]", { hasText: "$nothing of ours" }).waitFor();
});

await scene("send to the API is switched on and off", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/inbox/3`);
  const api = page.getByRole("button", { name: "Send to API" });
  await api.click();
  assert.equal(await api.getAttribute("aria-pressed"), "true");
  await page.locator('[data-conversation="3"] .flag-badge').waitFor();
  await page.locator(".thread-head .flag-badge").waitFor();
  await page.waitForTimeout(100);
  assert.equal(world.conversations.get(3).flagged, true);
  await api.click();
  await page.locator(".thread-head .flag-badge").waitFor({ state: "detached" });
  await page.waitForTimeout(100);
  assert.equal(world.conversations.get(3).flagged, false);
  world.noAddon = true;
  await api.click();
  const missing = page.getByRole("dialog", { name: "Send to API is not set up" });
  await missing.getByRole("link", { name: /Add-ons/ }).waitFor();
  assert.equal(await page.locator(".thread-head .flag-badge").count(), 0);
  await page.keyboard.press("Escape");
  await reply(page).fill("$api");
  await page.keyboard.press("Enter");
  await page
    .getByRole("alert")
    .getByRole("link", { name: /Add-ons/ })
    .click();
  await page.waitForURL(/settings\/addons\/api$/);
});

await scene("tags and topic", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/inbox/3`);
  await reply(page).waitFor();
  await page.waitForTimeout(200);
  await page.keyboard.press("l");
  const box = page.getByRole("dialog", { name: "Tags" });
  await box.getByRole("combobox").waitFor();
  await page.keyboard.type("vi");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.keyboard.type("brand new,");
  await box.getByRole("button", { name: "Remove the tag brand new" }).waitFor();
  await page.keyboard.press("Escape");
  await page.waitForTimeout(150);
  assert.deepEqual(world.conversations.get(3).tags, ["damaged", "vip", "brand new"]);
  const pane = page.getByRole("complementary", { name: "Contact" });
  await pane.getByRole("button", { name: "Remove the tag damaged" }).click();
  await pane.getByRole("button", { name: "Add topic" }).click();
  await page.keyboard.type("Delivery to the islands");
  await page.keyboard.press("Enter");
  await pane.getByText("Delivery to the islands").waitFor();
  assert.deepEqual(world.conversations.get(3).tags, ["vip", "brand new"]);
  assert.equal(world.conversations.get(3).topic, "Delivery to the islands");
});

await scene("the palette begins a command", {}, async ({ page, base }) => {
  await page.goto(`${base}/inbox/3`);
  await reply(page).fill("half a sentence");
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder("Search or type").fill("$forw");
  await page.waitForFunction(() => document.querySelectorAll('[role="menuitem"]').length === 1);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  const note = page.getByRole("textbox", { name: "Internal note" });
  await note.waitFor();
  await page.waitForTimeout(200);
  assert.equal(await note.inputValue(), "$forward ", "the draft of the reply is left alone");
  assert.equal(await note.evaluate((field) => field === document.activeElement), true);
  await page.getByRole("option", { name: /Ben Ortiz/ }).waitFor();
  await page.getByRole("radio", { name: "Reply" }).click();
  assert.equal(await reply(page).inputValue(), "half a sentence");
});

await scene("a rating arrives live", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/inbox/3`);
  await reply(page).waitFor();
  const c = world.conversations.get(3);
  const rating = { value: 2, form: "stars" };
  const message = addMessage(world, 3, {
    type: "rating",
    sender: { type: "contact", id: 3, name: "Mei Tanaka" },
    event: { name: "rating", rating },
  });
  const session = { ...c.session, rating };
  Object.assign(c, { rating: 2, session });
  emit(world, "rating.given", { conversation: { ...c }, session, message });
  await page.getByRole("log").getByText("2 of 5").waitFor();
  await page.getByRole("complementary", { name: "Contact" }).getByText("2 of 5").waitFor();
  await page.locator('[data-conversation="3"]').getByText("Rated: 2 of 5").waitFor();
});

await scene("a filtered log is replayed after a count", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/settings/deliveries`);
  const replay = page.getByRole("button", { name: "Replay these…" });
  await replay.waitFor();
  assert.equal(await replay.isDisabled(), true, "nothing is replayed for all endpoints at once");
  await page.getByRole("button", { name: /Receiver/ }).click();
  await page.getByRole("option", { name: "Warehouse" }).click();
  await page.getByRole("textbox", { name: "Conversation" }).fill("6");
  await page.waitForURL(/endpoint=2.*conversation=6/);
  await page.getByRole("button", { name: /^Any Time|Time/ }).click();
  await page.getByRole("option", { name: "Last 24 hours" }).click();
  await page.waitForURL(/from=/);
  const address = page.url();
  await page.reload();
  assert.equal(await page.getByRole("textbox", { name: "Conversation" }).inputValue(), "6");
  assert.equal(page.url(), address);
  const rows = await page.locator(".log-table tbody tr").count();
  await replay.press("Enter");
  await page.getByRole("button", { name: new RegExp(`^Replay ${rows} calls`) }).waitFor();
  assert.equal(world.again, undefined, "counting does nothing");
  await page.keyboard.press("Escape");
  assert.equal(
    await replay.evaluate((button) => button === document.activeElement),
    true,
    "focus comes back",
  );
  await replay.press("Enter");
  await page.getByRole("button", { name: new RegExp(`^Replay ${rows} calls`) }).click();
  await page.getByText(`${rows} calls will be sent again`).waitFor();
  const { what, endpoint_id, conversation_id, dry_run, from } = world.again;
  assert.deepEqual(
    { what, endpoint_id, conversation_id, dry_run },
    {
      what: "replay",
      endpoint_id: 2,
      conversation_id: 6,
      dry_run: false,
    },
  );
  assert.match(from, /^2.*Z$/);
  await page.getByRole("button", { name: "Show waiting" }).click();
  await page.waitForFunction((n) => document.querySelectorAll(".log-table tbody tr").length === n, rows);
});

await scene("a dead call is tried again", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/settings/deliveries/59`);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("It waits to be tried again").waitFor();
  assert.equal(world.deliveries.find((each) => each.id === 59).state, "pending");
});

await scene("resume leaves the backlog out when told so", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/settings/endpoints/4`);
  await page.getByRole("button", { name: "Resume…" }).click();
  await page.getByRole("button", { name: "Send the 2,314 waiting calls" }).waitFor();
  assert.equal(world.lastResume, undefined);
  await page.getByRole("button", { name: "Leave them out" }).click();
  await page.getByText("2,314 calls that waited were left out").waitFor();
  assert.deepEqual(world.lastResume, { backlog: false });
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await page.getByText("Sending again", { exact: true }).waitFor();
});

await scene("a test call tells its answer", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/settings/endpoints/1`);
  await page.getByRole("button", { name: "Send test…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: /Event/ }).click();
  assert.deepEqual(await page.getByRole("option").allTextContents(), [
    "chat_session.start",
    "chat_session.end",
  ]);
  await page.getByRole("option", { name: "chat_session.end" }).click();
  await page.getByRole("button", { name: "Send test", exact: true }).click();
  await page.getByText("Accepted: 200").waitFor();
  assert.equal(world.deliveries[0].event_name, "chat_session.end");
});

await scene("the chart follows while it is seen", {}, async ({ page, base }) => {
  const asked = [];
  page.on("request", (request) => {
    if (request.url().includes("/chart")) asked.push(new URL(request.url()).searchParams.get("range"));
  });
  await page.clock.install();
  await page.goto(`${base}/settings/endpoints/2`);
  await page.locator(".chart-panels").waitFor();
  assert.deepEqual(asked, ["1h"]);
  const again = page.waitForRequest(/chart/);
  await page.clock.runFor(10_500);
  await again;
  await page.getByRole("radiogroup", { name: "Time shown" }).getByText("7 days").click();
  await page.waitForURL(/range=7d/);
  await page.getByText("In the last 7 days").waitFor();
  assert.deepEqual(asked, ["1h", "1h", "7d"]);
  // Hidden: nothing is asked for. Seen again: at once.
  const show = (state) =>
    page.evaluate((state) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }, state);
  await show("hidden");
  await page.clock.runFor(600_000);
  assert.equal(asked.length, 3);
  const seen = page.waitForRequest(/chart/);
  await show("visible");
  await seen;
  assert.deepEqual(asked, ["1h", "1h", "7d", "7d"]);
});

await scene("an endpoint is saved as it was changed", {}, async ({ page, world, base }) => {
  await page.goto(`${base}/settings/endpoints/2/edit`);
  await page.getByRole("switch", { name: /^Every group/ }).press("Space");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Choose at least one.").waitFor();
  await page.getByText("Orders and returns", { exact: true }).click();
  await page.getByRole("textbox", { name: "Calls per second" }).fill("5");
  const text = page.getByRole("radiogroup", { name: "Text and custom data" });
  await text.getByText("Keep").click();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await text.getByText("Messages and notes are sent without their text").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/endpoints\/2$/);
  const { groups, rate_limit, policy, private_ranges, widgets } = world.endpoints[1];
  assert.deepEqual(
    { groups, rate_limit, policy, private_ranges, widgets },
    {
      groups: [2],
      rate_limit: 5,
      policy: { name: "keep", email: "keep", ip: "keep", text: "remove" },
      private_ranges: null,
      widgets: [],
    },
  );
  await page.getByText("Personal data reduced").waitFor();
});

await scene("sign in and out", {}, async ({ page, world, base }) => {
  world.signedIn = false;
  await page.goto(`${base}/inbox/3`);
  await page.getByLabel("E-mail").fill("ada@example.com");
  await page.getByLabel("Password").fill("correct horse");
  await page.getByRole("button", { name: "Sign in" }).click();
  await reply(page).waitFor();
  await page.getByRole("button", { name: /^Account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Parley" }).waitFor();
  await page.goto(`${base}/link#fresh`);
  await page.locator("[data-conversation]").first().waitFor();
  assert.equal(new URL(page.url()).hash, "");
});

await tableScenes(scene);
await channelScenes(scene);
await mailScenes(scene);
await hookScenes(scene);
await fileScenes(scene);

await browser.close();
process.exit(failed === 0 ? 0 : 1);
