// The states of alarms, saved texts in the composer, transcripts, visitors and the ways out of a conversation.

import { addVisitors, addWork } from "./mock-work.mjs";

const role = (page, name, options) => page.getByRole(name, options);
const reply = (page) => role(page, "textbox", { name: "Reply" });
const uuid = (id) => `10000000-0000-4000-8000-${String(id).padStart(12, "0")}`;

async function more(page, name) {
  await role(page, "button", { name: "More actions" }).click();
  await role(page, "menuitem", { name }).click();
  await role(page, "dialog").waitFor();
}

export const WORK_STATES = [
  ["work-alarms", "/app/", async (page) => page.locator(".list-alarm").waitFor(), addWork],
  ["work-attention", "/app/?view=attention", async (page) => page.locator(".list-alarm").waitFor(), addWork],
  ["work-attention-none", "/app/?view=attention", async (page) => page.locator(".list-alarm").waitFor()],
  ["work-thread", "/app/inbox/3", async (page) => page.locator(".choices").first().waitFor(), addWork],
  ["work-thread-long", "/app/inbox/5", undefined, addWork],
  [
    "work-saved",
    "/app/inbox/3",
    async (page) => {
      await reply(page).pressSequentially("#");
      await role(page, "option").first().waitFor();
    },
  ],
  [
    "work-saved-words",
    "/app/inbox/3",
    async (page) => {
      await reply(page).pressSequentially("#island post");
      await role(page, "option").first().waitFor();
    },
  ],
  [
    "work-saved-command",
    "/app/inbox/3",
    async (page) => {
      await reply(page).pressSequentially("$r ");
      await role(page, "option", { name: /hello/ }).waitFor();
    },
  ],
  [
    "work-question",
    "/app/inbox/3",
    async (page) => {
      await reply(page).pressSequentially("#rooms");
      await role(page, "option").first().waitFor();
      await page.keyboard.press("Enter");
      await page.getByText("Send without").waitFor();
    },
  ],
  [
    "work-question-sent",
    "/app/inbox/3",
    async (page) => {
      await reply(page).pressSequentially("#kind");
      await role(page, "option").first().waitFor();
      await page.keyboard.press("Tab");
      await page.getByText("Send without").waitFor();
      await role(page, "button", { name: "Send", exact: true }).click();
      await page.locator(".log .choices").first().waitFor();
    },
  ],
  ["work-discard", "/app/inbox/5", async (page) => more(page, "Discard…")],
  ["work-webhook", "/app/inbox/3", async (page) => more(page, "Send to webhook…")],
  [
    "work-webhook-missing",
    "/app/inbox/3",
    async (page) => {
      await more(page, "Send to webhook…");
      await role(page, "textbox", { name: "Words to go along" }).fill('billing "second line"');
      await role(page, "dialog").getByRole("button", { name: "Send", exact: true }).click();
      await page.getByText("no webhook for transcripts").waitFor();
    },
    (world) => {
      world.noHook = true;
    },
  ],
  ["work-transcript", `/app/transcripts/${uuid(3)}`, undefined, addWork],
  [
    "work-transcript-inside",
    `/app/transcripts/${uuid(6)}`,
    async (page) => page.getByText("Show internal notes and events").click(),
  ],
  ["work-transcript-long-name", `/app/transcripts/${uuid(5)}`, undefined, addWork],
  ["work-transcript-missing", `/app/transcripts/${uuid(99999)}`],
  [
    "work-transcript-load-failed",
    `/app/transcripts/${uuid(3)}`,
    async (page) => page.getByRole("alert").waitFor(),
    (world) => {
      world.transcriptBroken = true;
    },
  ],
  ["work-visitors", "/app/visitors", async (page) => page.locator(".visitor").first().waitFor(), addVisitors],
  [
    "work-visitors-trail",
    "/app/visitors",
    async (page) => role(page, "button", { name: /the way of guest-31/ }).click(),
    addVisitors,
  ],
  [
    "work-visitors-invite",
    "/app/visitors",
    async (page, world) => {
      await role(page, "button", { name: "Invite guest-31" }).click();
      await role(page, "textbox", { name: "Message" }).fill("Can I help you to choose?");
      world.visitors = world.visitors.filter((each) => each.id !== 31);
      // The list is asked for every five seconds only, and a busy machine is slow to answer.
      await page.getByText("They have left").waitFor({ timeout: 15_000 });
    },
    addVisitors,
  ],
  ["work-visitors-off", "/app/visitors"],
  [
    "work-visitors-none",
    "/app/visitors",
    undefined,
    (world) => {
      addVisitors(world);
      world.visitors = [];
    },
  ],
  [
    "work-visitors-load-failed",
    "/app/visitors",
    async (page) => page.getByText("asked for again").waitFor(),
    (world) => {
      addVisitors(world);
      world.visitorsBroken = true;
    },
  ],
  [
    "work-presence",
    "/app/",
    async (page) => {
      await role(page, "button", { name: /^Availability/ }).click();
      await page.locator(".widget-presence").waitFor();
    },
  ],
];
