// The states of channels, of conversations on them and of what needs attention, to be looked at.

import { addChannels } from "./mock-channels.mjs";
import { addMessage } from "./mock-server.mjs";

const role = (page, name, options) => page.getByRole(name, options);

async function showContact(page) {
  if (await role(page, "heading", { name: "Addresses" }).isVisible()) return;
  if (!(await page.getByRole("button", { name: /^E-mail:|Add e-mail/ }).isVisible())) {
    await role(page, "button", { name: "More actions" }).click();
    await role(page, "menuitem", { name: /contact/ }).click();
  }
  await role(page, "heading", { name: "Addresses" }).waitFor();
}

async function create(page) {
  await role(page, "textbox", { name: "Channel name" }).fill("Ticket desk");
  await role(page, "textbox", { name: "Outbound URL" }).fill("https://tickets.example/in");
  await role(page, "button", { name: /Default Widget/ }).click();
  await role(page, "option", { name: "Customer area" }).click();
  await role(page, "button", { name: "Create channel" }).click();
  await role(page, "heading", { name: "Ticket desk is live" }).waitFor();
}

export const CHANNEL_STATES = [
  ["channels", "/app/settings/channels", undefined, addChannels],
  ["channels-empty", "/app/settings/channels"],
  ["channel-new", "/app/settings/channels/new"],
  [
    "channel-new-faults",
    "/app/settings/channels/new",
    async (page) => {
      await role(page, "textbox", { name: "Outbound URL" }).fill("ftp://tickets.example");
      await role(page, "radiogroup", { name: "Inbound auth token" }).getByText("Type my own").click();
      await role(page, "button", { name: "Create channel" }).click();
      await page.getByText("Give the channel a name").waitFor();
    },
  ],
  ["channel-ready", "/app/settings/channels/new", create],
  [
    "channel-ready-tests",
    "/app/settings/channels/new",
    async (page) => {
      await create(page);
      await role(page, "button", { name: "Send test, outward" }).click();
      await page.getByText("Accepted: 200").waitFor();
      await role(page, "button", { name: "Send test, inward" }).click();
      await page.getByText("It came in.").waitFor();
      await role(page, "heading", { name: "Or try it from here" }).evaluate((head) => head.scrollIntoView());
    },
  ],
  ["channel-ready-later", "/app/settings/channels/1/ready", undefined, addChannels],
  ["channel", "/app/settings/channels/1", undefined, addChannels],
  ["channel-failing", "/app/settings/channels/2", undefined, addChannels],
  [
    "channel-rotate",
    "/app/settings/channels/1",
    async (page) => {
      await role(page, "button", { name: "Rotate: Inbound auth token" }).click();
      await role(page, "radiogroup", { name: "The token before stops" }).waitFor();
    },
    addChannels,
  ],
  [
    "channel-rotated",
    "/app/settings/channels/1",
    async (page) => {
      await role(page, "button", { name: "Rotate: Inbound auth token" }).click();
      await role(page, "button", { name: "Rotate", exact: true }).click();
      await page.getByText("It is not shown again").waitFor();
    },
    addChannels,
  ],
  ["channel-settings", "/app/settings/channels/1/edit", undefined, addChannels],
  ["channel-sent", "/app/settings/channels/2/outbound", undefined, addChannels],
  ["channel-received", "/app/settings/channels/1/inbound", undefined, addChannels],
  ["channel-received-none", "/app/settings/channels/2/inbound", undefined, addChannels],
  [
    "channel-missing",
    "/app/settings/channels/77",
    async (page) => page.getByRole("alert").waitFor(),
    addChannels,
  ],
  ["channel-inbox", "/app/?channel=1", undefined, addChannels],
  [
    "channel-inbox-menu",
    "/app/",
    async (page) => {
      await role(page, "button", { name: /^Channel:/ }).click();
      await role(page, "menuitemradio", { name: "Website" }).waitFor();
    },
    addChannels,
  ],
  [
    "channel-thread",
    "/app/inbox/3",
    undefined,
    (world) => {
      addChannels(world);
      addMessage(world, 3, {
        type: "event",
        sender: { type: "system", id: null, name: "" },
        event: { name: "channel_changed", by: null, channel: { id: 1, name: "WhatsUp gateway" } },
      });
    },
  ],
  ["channel-contact", "/app/inbox/3", showContact, addChannels],
  [
    "channel-separate",
    "/app/inbox/3",
    async (page) => {
      await showContact(page);
      await role(page, "button", { name: /^Separate/ }).click();
      await page.getByText("it becomes a new contact").waitFor();
    },
    addChannels,
  ],
  [
    "channel-start",
    "/app/inbox/3",
    async (page) => {
      await showContact(page);
      await role(page, "button", { name: "Start a conversation" }).click();
      await role(page, "textbox", { name: "Message" }).waitFor();
    },
    addChannels,
  ],
  [
    "channel-start-faults",
    "/app/",
    async (page) => {
      await page.waitForTimeout(300);
      await page.keyboard.press("Control+k");
      await page.getByPlaceholder("Search or type").fill("start a conv");
      await role(page, "menuitem", { name: /^Start a conversation/ }).click();
      await role(page, "button", { name: "Send", exact: true }).click();
      await page.getByText("Write the first message").waitFor();
    },
    addChannels,
  ],
  ["channel-table", "/app/conversations?channel=2", undefined, addChannels],
  [
    "attention",
    "/app/",
    async (page) => {
      await role(page, "button", { name: /need attention/ }).click();
      await role(page, "button", { name: /^I have seen/ }).waitFor();
    },
    addChannels,
  ],
];
