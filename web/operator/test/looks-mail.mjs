// The states of mails to be looked at: the mail server, a widget's mails, transcripts, what became of mails, the audit log.

import { addMails } from "./mock-mail.mjs";

const role = (page, name, options) => page.getByRole(name, options);

async function showContact(page) {
  const mails = role(page, "heading", { name: "Mails", exact: true });
  if (!(await role(page, "button", { name: /^E-mail:|Add e-mail/ }).isVisible())) {
    await role(page, "button", { name: "More actions" }).click();
    await role(page, "menuitem", { name: /contact/ }).click();
  }
  await mails.scrollIntoViewIfNeeded();
}

const frame = (page) => page.frameLocator(".mail-view-frame").getByText("Go on with the conversation");

export const MAIL_STATES = [
  ["mail-unset", "/app/settings/mail"],
  [
    "mail-unset-waiting",
    "/app/settings/mail",
    undefined,
    (world) => {
      addMails(world);
      const dkim = { domain: "", selector: "", has_key: false, record: "" };
      Object.assign(world.mailServer, { host: "", state: "unset", waiting: 12, has_password: false, dkim });
    },
  ],
  ["mail-server", "/app/settings/mail", undefined, addMails],
  [
    "mail-server-dkim",
    "/app/settings/mail",
    async (page) => page.getByRole("heading", { name: "DKIM" }).evaluate((head) => head.scrollIntoView()),
    addMails,
  ],
  [
    "mail-failing",
    "/app/settings/mail",
    async (page) => {
      await role(page, "button", { name: "Send test mail" }).scrollIntoViewIfNeeded();
      await role(page, "textbox", { name: "To", exact: true }).fill("nobody@example.com");
      await role(page, "button", { name: "Send test mail" }).click();
      await page.getByText("Not sent: 550").waitFor();
    },
    (world) => {
      addMails(world);
      Object.assign(world.mailServer, {
        state: "failing",
        reason: "the server answered 535 Authentication failed",
        waiting: 3,
      });
    },
  ],
  [
    "mail-failing-top",
    "/app/settings/mail",
    undefined,
    (world) => {
      addMails(world);
      Object.assign(world.mailServer, {
        state: "failing",
        reason: "the server answered 535 Authentication failed",
        waiting: 3,
      });
    },
  ],
  [
    "mail-faults",
    "/app/settings/mail",
    async (page) => {
      await role(page, "textbox", { name: "Port" }).fill("99999");
      await role(page, "button", { name: "Save" }).click();
      await page.getByText("from 1 to 65535").waitFor();
    },
  ],
  ["mail-mails", "/app/settings/mail/mails", undefined, addMails],
  ["mail-mails-none", "/app/settings/mail/mails"],
  ["mail-deliveries", "/app/settings/mail/deliveries", undefined, addMails],
  ["mail-delivery", "/app/settings/mail/deliveries/1004", async (page) => frame(page).waitFor(), addMails],
  ["mail-delivery-failed", "/app/settings/mail/deliveries/1003", undefined, addMails],
  ["widget-advanced", "/app/settings/widgets/1/advanced", undefined, addMails],
  ["widget-advanced-off", "/app/settings/widgets/2/advanced"],
  [
    "widget-advanced-tested",
    "/app/settings/widgets/1/advanced",
    async (page) => {
      await role(page, "button", { name: "Test", exact: true }).click();
      await page.getByText("Connected: 200").waitFor();
    },
    addMails,
  ],
  [
    "widget-advanced-refused",
    "/app/settings/widgets/1/advanced",
    async (page) => {
      await role(page, "button", { name: "Test", exact: true }).click();
      await page.getByText("Not connected").waitFor();
    },
    (world) => {
      addMails(world);
      world.widgetMail[1].custom_email_api.url = "https://shop.example/gone";
    },
  ],
  [
    "widget-advanced-texts",
    "/app/settings/widgets/1/advanced",
    async (page) => {
      await page.getByRole("heading", { name: "Texts" }).evaluate((head) => head.scrollIntoView());
      await frame(page).waitFor();
    },
    addMails,
  ],
  [
    "widget-advanced-dark-mail",
    "/app/settings/widgets/1/advanced",
    async (page) => {
      await page.getByRole("radiogroup", { name: "Mail", exact: true }).getByText("Sign-in").click();
      await page.getByRole("radiogroup", { name: "How to show the mail" }).getByText("Dark").click();
      await page.locator(".mail-view").evaluate((view) => view.scrollIntoView());
      await frame(page).waitFor();
    },
    addMails,
  ],
  [
    "widget-advanced-faults",
    "/app/settings/widgets/1/advanced",
    async (page) => {
      await role(page, "textbox", { name: "Inbound URL" }).fill("javascript:alert(1)");
      await role(page, "textbox", { name: "Logo" }).fill("http://shop.example/logo.png");
      await role(page, "button", { name: "Save" }).click();
      await page.getByText("starting with http").waitFor();
    },
    addMails,
  ],
  [
    "transcript",
    "/app/inbox/3",
    async (page) => {
      await page.waitForTimeout(200);
      await page.keyboard.press("m");
      await page.getByText("Mails to this address were refused").waitFor();
    },
    addMails,
  ],
  ["transcript-bar", "/app/inbox/3", undefined, addMails],
  [
    "transcript-none",
    "/app/inbox/7",
    async (page) => {
      await page.waitForTimeout(200);
      await page.keyboard.press("m");
      await role(page, "textbox", { name: "To" }).fill("nobody");
      await role(page, "button", { name: "Send", exact: true }).last().click();
      await page.getByText("not an e-mail address").waitFor();
    },
    addMails,
  ],
  ["contact-mails", "/app/inbox/3", showContact, addMails],
  [
    "bulk-transcript",
    "/app/conversations",
    async (page) => {
      await page.getByRole("checkbox").nth(1).focus();
      await page.keyboard.press("Space");
      await role(page, "button", { name: "Actions", exact: true }).click();
      await role(page, "menuitem", { name: "Send transcript…" }).click();
      await page.getByText("without internal notes").waitFor();
    },
    addMails,
  ],
  ["audit", "/app/settings/audit", undefined, addMails],
  ["audit-empty", "/app/settings/audit"],
  [
    "mail-attention",
    "/app/",
    async (page) => {
      await role(page, "button", { name: /need attention/ }).click();
      await page.getByText("no mail server is set up").waitFor();
    },
    (world) => {
      addMails(world);
      Object.assign(world.mailServer, { state: "unset", waiting: 12 });
    },
  ],
];
