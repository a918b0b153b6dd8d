// An operator's work in the table of all conversations, and an admin's in Add-ons > API and in a widget's questions.

import assert from "node:assert/strict";
import { contactWrites, emit } from "./mock-server.mjs";

const chosen = (page) => page.locator("tr[data-chosen]");
const box = (page, name) => page.getByRole("checkbox", { name, exact: true }).first();
const rows = (page) => page.locator("tbody tr[data-conversation]");

const result = (page, text) => page.locator(".run-line").getByText(text);

async function action(page, name) {
  await page.getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name, exact: true }).click();
}

export async function tableScenes(scene) {
  await scene("filters live in the address", {}, async ({ page, base }) => {
    await page.goto(`${base}/conversations`);
    await rows(page).first().waitFor();
    await page.getByRole("button", { name: "Status" }).click();
    await page.getByRole("menuitemcheckbox", { name: "Ended" }).click();
    await page.keyboard.press("Escape");
    await page.waitForURL(/\?status=ended$/);
    await page.waitForFunction(() => document.querySelectorAll("tbody tr[data-conversation]").length === 5);
    const search = page.getByRole("searchbox", { name: "Search all conversations" });
    await search.pressSequentially("tomás", { delay: 30 });
    await page.waitForURL(/q=tom%C3%A1s&status=ended$/);
    await page.getByText("None matches").waitFor();
    await page.reload();
    assert.equal(await search.inputValue(), "tomás");
    await page.getByRole("button", { name: "Status: Ended" }).waitFor();
    await page.getByRole("button", { name: "Clear the filters" }).click();
    await rows(page).nth(30).waitFor();
    assert.equal(new URL(page.url()).search, "");
    assert.equal(await search.inputValue(), "");
  });

  await scene("rows are chosen by hand and by keys", {}, async ({ page, base }) => {
    await page.goto(`${base}/conversations`);
    await rows(page).first().waitFor();
    await rows(page).nth(1).getByRole("checkbox").click();
    await rows(page)
      .nth(4)
      .getByRole("checkbox")
      .click({ modifiers: ["Shift"] });
    assert.equal(await chosen(page).count(), 4);
    await page.keyboard.press("Shift+ArrowDown");
    assert.equal(await chosen(page).count(), 5);
    await page.keyboard.press("Shift+ArrowUp");
    assert.equal(await chosen(page).count(), 4);
    await page.keyboard.press("Control+a");
    assert.equal(await chosen(page).count(), 40);
    await page.getByRole("button", { name: "Choose none" }).click();
    assert.equal(await chosen(page).count(), 0);
    await page.reload();
    await rows(page).first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    assert.equal(await rows(page).nth(1).getAttribute("data-chosen"), "true");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/inbox\/\d+$/);
  });

  await scene("S-118 fifty are sent to the API", { conversations: 120 }, async ({ page, world, base }) => {
    for (const c of world.conversations.values()) c.flagged = false;
    const [first, second] = [...world.conversations.values()].sort((a, b) =>
      a.updated_at < b.updated_at ? 1 : -1,
    );
    first.flagged = true;
    second.flagged = true;
    await page.goto(`${base}/conversations`);
    await rows(page).nth(49).waitFor();
    await box(page, "Choose all that are shown").check();
    assert.equal(await chosen(page).count(), 50);
    world.delay = 120;
    await action(page, "Send to API");
    await page.getByRole("progressbar").waitFor();
    await page.getByText(/^Flagging [1-4]0 of 50$/).waitFor();
    await result(page, "48 flagged, 2 unchanged, 0 failed").waitFor();
    assert.equal([...world.conversations.values()].filter((c) => c.flagged).length, 50);
    assert.equal(
      world.bulks.every((each) => each.action === "send" && each.conversation_ids.length <= 50),
      true,
    );
    await page.waitForFunction(() => document.querySelectorAll("tbody .flag-badge").length >= 50);
  });

  await scene("everything that matches is chosen, and stopped", { conversations: 500 }, async (bench) => {
    const { page, world, base } = bench;
    await page.goto(`${base}/conversations?status=open&status=pending&status=new`);
    await rows(page).first().waitFor();
    const matching = [...world.conversations.values()].filter((c) => c.status !== "ended").length;
    await box(page, "Choose all that are shown").check();
    await page.getByRole("button", { name: `Choose all ${matching} matching` }).click();
    await page.getByText(`${matching} chosen`).waitFor();
    await box(page, await rows(page).first().getByRole("checkbox").getAttribute("aria-label")).uncheck();
    await page.getByText(`${matching - 1} chosen`).waitFor();
    await action(page, "End…");
    await page.getByRole("heading", { name: `End ${matching - 1} conversations?` }).waitFor();
    world.delay = 150;
    await page.getByRole("button", { name: `End all ${matching - 1}` }).click();
    await page.getByText(/^Ending [1-9]\d* of/).waitFor();
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByText(/^Stopped\. \d+ ended, 0 unchanged, 0 failed, \d+ left out$/).waitFor();
    const ended = [...world.conversations.values()].filter((c) => c.status === "ended").length;
    assert.ok(ended < 500 && ended > 500 - matching);
    await page.getByRole("button", { name: /^Choose the \d+ that are not done$/ }).click();
    await page.getByText(/^\d+ chosen$/).waitFor();
  });

  await scene("S-121 without an add-on it says what is missing", {}, async ({ page, world, base }) => {
    world.addon = false;
    await page.goto(`${base}/conversations`);
    await rows(page).first().getByRole("checkbox").click();
    await action(page, "Send to API");
    await page.getByText("No API add-on is set up").waitFor();
    await page.getByRole("link", { name: /Add-ons . API/ }).click();
    await page.waitForURL(/settings\/addons\/api$/);
    await page.getByRole("heading", { name: "API" }).waitFor();
  });

  await scene("new and known tags are put on", {}, async ({ page, world, base }) => {
    await page.goto(`${base}/conversations`);
    const id = Number(await rows(page).first().getAttribute("data-conversation"));
    world.conversations.get(id).tags = [];
    await rows(page).first().getByRole("checkbox").click();
    await action(page, "Tag…");
    await page.getByRole("textbox", { name: "Tags" }).fill("call back,");
    await page.getByRole("textbox", { name: "Tags" }).fill("urgent");
    await page.getByRole("dialog").getByRole("button", { name: "Tag", exact: true }).click();
    await result(page, "1 tagged, 0 unchanged, 0 failed").waitFor();
    assert.deepEqual(world.conversations.get(id).tags, ["call back", "urgent"]);
    await rows(page).first().getByText("urgent").waitFor();
  });

  await scene("the table follows what happens", { conversations: 60 }, async ({ page, world, base }) => {
    await page.goto(`${base}/conversations`);
    await rows(page).nth(49).waitFor();
    const id = Number(await rows(page).nth(2).getAttribute("data-conversation"));
    contactWrites(world, id, "Is anybody there?");
    await page.getByText("Is anybody there?").waitFor({ timeout: 1000 });
    const c = world.conversations.get(id);
    c.flagged = !c.flagged;
    const badges = await page.locator("tbody .flag-badge").count();
    emit(world, "conversation.updated", { conversation: { ...c } });
    await page.waitForFunction(
      (n) => document.querySelectorAll("tbody .flag-badge").length === n,
      badges + (c.flagged ? 1 : -1),
    );
    assert.equal(Number(await rows(page).nth(2).getAttribute("data-conversation")), id);
  });

  await scene(
    "more rows come while scrolling, and the place is kept",
    { conversations: 300 },
    async (bench) => {
      const { page, base } = bench;
      await page.goto(`${base}/conversations`);
      await rows(page).nth(49).waitFor();
      await page.locator("main.all").evaluate((main) => main.scrollTo(0, main.scrollHeight));
      await rows(page).nth(99).waitFor();
      await page.locator("main.all").evaluate((main) => main.scrollTo(0, 3000));
      await page.waitForTimeout(100);
      const seen = rows(page).nth(60);
      const id = await seen.getAttribute("data-conversation");
      await seen.getByRole("link").click();
      await page.waitForURL(new RegExp(`/inbox/${id}$`));
      await page.goBack();
      await rows(page).nth(99).waitFor();
      await page.waitForFunction(() => Math.abs(document.querySelector("main.all").scrollTop - 3000) < 4);
    },
  );

  await scene("S-083 S-097 the add-on is made with three events", {}, async ({ page, world, base }) => {
    world.endpoints = [];
    await page.goto(`${base}/settings`);
    await page.getByRole("link", { name: "API", exact: true }).click();
    await page.getByRole("checkbox").first().waitFor();
    assert.equal(await page.getByRole("checkbox").count(), 16);
    await page.getByRole("textbox", { name: "Callback URL" }).fill("https://crm.example/hook");
    await page.getByRole("button", { name: "None", exact: true }).click();
    for (const name of ["Rating", "Session ended", "Goal"])
      await page.getByText(name, { exact: true }).click();
    await page.getByRole("button", { name: "Add header" }).click();
    await page.getByRole("textbox", { name: "Header 1" }).fill("X-Key");
    await page.getByRole("textbox", { name: "Value 1" }).fill("secret");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "I have stored it" }).click();
    const made = world.endpoints.find((each) => each.dialect === "userlike");
    assert.equal(made.name, "API add-on");
    assert.deepEqual(made.events, ["chat_session.end", "chat_session.rating", "chat_session.goal"]);
    assert.deepEqual(made.headers, { "X-Key": "secret" });
    // What a real server masks from now on.
    made.headers = { "X-Key": "***" };
    await page.reload();
    await page.getByRole("button", { name: /Form$/ }).click();
    await page.getByRole("option", { name: "userlike/2014" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved", { exact: true }).waitFor();
    assert.equal(made.dialect_version, "2014");
    assert.deepEqual(made.headers, { "X-Key": "***" });
    assert.equal(await page.getByRole("button", { name: "Save" }).isDisabled(), true);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Resume" }).waitFor();
    await page.getByRole("link", { name: "Log", exact: true }).click();
    await page.waitForURL(new RegExp(`deliveries\\?endpoint=${made.id}$`));
  });

  await scene("S-083 an operator sees nothing of the add-on", {}, async ({ page, world, base }) => {
    world.operators[0].role = "operator";
    await page.goto(`${base}/settings`);
    await page.getByRole("heading", { name: "My profile" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "API", exact: true }).count(), 0);
    await page.goto(`${base}/settings/addons/api`);
    await page.getByText("For admins").waitFor();
    assert.equal(await page.getByRole("textbox", { name: "Callback URL" }).count(), 0);
  });

  await scene("a widget's questions and goals are saved as written", {}, async ({ page, world, base }) => {
    await page.goto(`${base}/settings/widgets/1`);
    await page.getByText("Thumbs", { exact: true }).click();
    await page.getByRole("button", { name: "Move answer 3 up" }).click();
    await page.waitForTimeout(50);
    assert.equal(
      await page.evaluate(() => document.activeElement.getAttribute("aria-label")),
      "Move answer 2 up",
    );
    await page.getByRole("button", { name: "Remove goal 1" }).click();
    await page.getByRole("button", { name: "Add goal" }).click();
    await page.getByRole("textbox", { name: "Goal 2", exact: true }).fill("Signed up");
    await page.getByRole("textbox", { name: "Address of goal 2" }).fill("welcome");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText(/write a whole address/i).waitFor();
    await page.waitForTimeout(100);
    assert.equal(
      await page.evaluate(() => document.activeElement.getAttribute("aria-label")),
      "Address of goal 2",
    );
    await page.getByRole("textbox", { name: "Address of goal 2" }).fill("/welcome");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved", { exact: true }).waitFor();
    const widget = world.widgets[0];
    assert.equal(widget.rating_form, "thumbs");
    assert.deepEqual(widget.survey.options, ["Yes, completely", "No", "In part"]);
    assert.deepEqual(
      widget.goals.map(({ id, name }) => [id, name]),
      [
        [2, "Newsletter"],
        [undefined, "Signed up"],
      ],
    );
    await page.waitForTimeout(200);
    assert.equal(await page.getByRole("button", { name: "Save" }).isDisabled(), true);
  });
}
