// The states of presence, hours, webhooks, saved replies and question groups to be looked at.

import { addHooks } from "./mock-hooks.mjs";

const role = (page, name, options) => page.getByRole(name, options);

export const HOOK_STATES = [
  ["availability-open", "/app/settings/widgets/1/availability"],
  ["availability-hours", "/app/settings/widgets/2/availability"],
  [
    "availability-hours-end",
    "/app/settings/widgets/2/availability",
    async (page) => page.getByRole("heading", { name: "Holidays" }).evaluate((head) => head.scrollIntoView()),
  ],
  [
    "availability-faults",
    "/app/settings/widgets/2/availability",
    async (page) => {
      await page.getByLabel("Monday, 2: from").fill("11:00");
      await page.getByLabel("Tuesday, 1: until").fill("");
      await page.getByLabel("Wednesday, 1: until").fill("08:00");
      await role(page, "button", { name: "Add holiday" }).click();
      await role(page, "textbox", { name: "After seconds" }).fill("5");
      await role(page, "button", { name: "Save" }).click();
      await page.locator(".slot > .field-error").nth(2).waitFor();
    },
  ],
  [
    "availability-zone",
    "/app/settings/widgets/2/availability",
    async (page) => {
      await role(page, "button", { name: /Time zone/ }).click();
      await role(page, "searchbox", { name: "Search time zones" }).fill("new");
      await role(page, "option", { name: "America/New York" }).waitFor();
      // The first found is pointed at half a second after the last key.
      await page.waitForTimeout(700);
    },
  ],
  ["webhooks-empty", "/app/settings/widgets/2/webhooks"],
  ["webhooks", "/app/settings/widgets/1/webhooks", undefined, addHooks],
  [
    "webhooks-faults",
    "/app/settings/widgets/1/webhooks",
    async (page) => {
      await role(page, "textbox", { name: "Offline message" }).fill("shop.example");
      await role(page, "textbox", { name: "Chat transcript" }).fill("");
      await role(page, "button", { name: "Save" }).click();
      await page.getByText("Write a full address").waitFor();
    },
    addHooks,
  ],
  [
    "webhooks-secrets",
    "/app/settings/widgets/2/webhooks",
    async (page) => {
      await role(page, "textbox", { name: "New conversation" }).fill("https://shop.example/new");
      await role(page, "textbox", { name: "Visitor feedback" }).fill("https://shop.example/feedback");
      await role(page, "button", { name: "Save" }).click();
      await page.getByText("They are not shown again").waitFor();
    },
  ],
  [
    "webhooks-switch-refused",
    "/app/settings/widgets/2/webhooks",
    async (page) => {
      await page.getByText("Traits as text").click();
      await role(page, "button", { name: "Save" }).click();
      await page.getByText("give one of them an address").first().waitFor();
    },
  ],
  ["endpoints-hooks", "/app/settings/endpoints", undefined, addHooks],
  ["endpoint-hook", "/app/settings/endpoints/6", undefined, addHooks],
  ["endpoint-hook-edit", "/app/settings/endpoints/6/edit", undefined, addHooks],
  [
    "endpoint-switches",
    "/app/settings/endpoints/new",
    async (page) => {
      await role(page, "button", { name: /Dialect/ }).click();
      await role(page, "option", { name: /Chat webhooks/ }).click();
      await page.getByText("Traits as text").waitFor();
    },
  ],
  ["replies", "/app/settings/replies"],
  ["replies-empty", "/app/settings/replies", undefined, undefined, { empty: true }],
  ["questions", "/app/settings/questions"],
  ["reply-edit", "/app/settings/replies/1"],
  ["reply-edit-rtl", "/app/settings/replies/4"],
  ["reply-gone", "/app/settings/replies/99"],
  ["question-edit", "/app/settings/questions/6"],
  [
    "question-preview",
    "/app/settings/questions/6",
    async (page) => page.getByRole("heading", { name: "Preview" }).evaluate((head) => head.scrollIntoView()),
  ],
  [
    "widget-visitors",
    "/app/settings/widgets/1",
    async (page) => page.getByRole("heading", { name: "Privacy" }).evaluate((head) => head.scrollIntoView()),
  ],
  [
    "question-faults",
    "/app/settings/questions/new",
    async (page) => {
      await role(page, "textbox", { name: "Shortcut" }).fill("two words");
      await role(page, "textbox", { name: "Question" }).fill("Is it {colour} or {size}?");
      await role(page, "textbox", { name: "Answer 1" }).fill("Green");
      await role(page, "button", { name: "Save" }).click();
      await page.getByText("stands for nothing").waitFor();
    },
  ],
];
