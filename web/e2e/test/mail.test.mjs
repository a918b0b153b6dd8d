// Mails to contacts, as an admin, an operator, a visitor and the customer's own server meet them: real server, real receiver of the
// e-mail callback, real browsers that follow the links.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, fits, operator, picture, visitor } from "../src/browser.mjs";
import { withStage } from "../src/stage.mjs";

/** The receiver hears the mails, and nothing of the conversations themselves. */
const quiet = { events: ["chat_session.goal"] };
const token = "token-of-the-mails";

/** Mails of the widget go to the receiver, and their links lead to the shop. */
const ticked = ({ server, receiver, shop, widget }) =>
  server.api("PATCH", `/widgets/${widget.id}/mail`, {
    inbound_url: shop.url,
    transcript_offer: true,
    custom_email_api: { enabled: true, url: receiver.hook("email"), token },
  });

/** The mails that came so far, as soon as there are so many. */
const mails = async (receiver, count) =>
  (await receiver.calls(count)).filter(({ name }) => name === "email").map(({ body }) => JSON.parse(body));

/** A visitor who left an address and wrote something. */
async function jane(browser, shop, text) {
  const her = await visitor(browser, shop.url);
  await her.openChat();
  await her.write(text);
  await her.shows(text, "sent");
  const done = await her.page.evaluate(() => window.parley.setContactInfo({ name: "Jane Doe", email: "jane@customer.example" }));
  assert.equal(done.kind, "success");
  return her;
}

/** The messenger's screen on which somebody signs in. */
async function account(browser, shop) {
  const guest = await visitor(browser, shop.url);
  await guest.page.getByRole("button", { name: "Open chat" }).click();
  await guest.page.getByRole("button", { name: "Account" }).click();
  return guest;
}

test("S-003, S-042: the box is set in the widget's editor, and its test says what came back", withStage(
  async ({ server, receiver, browser, link, widget }) => {
    const other = await server.api("POST", "/widgets", { name: "Other" });
    const kim = await operator(browser, link);
    const { page } = kim;
    const editor = `${server.url}/app/settings/widgets/${widget.id}`;
    const box = page.getByRole("checkbox", { name: "Custom email API" });
    const url = page.getByRole("textbox", { name: "Callback URL" });
    const saved = () => page.getByText("Saved", { exact: true }).last().waitFor();
    await page.goto(editor);
    await page.getByRole("link", { name: "Chat › Advanced" }).click();
    await box.waitFor();
    assert.equal(await box.isChecked(), false);
    await box.check({ force: true });
    await url.fill("ftp://shop.example/");
    await page.getByRole("textbox", { name: "Token" }).fill(token);
    await page.getByRole("textbox", { name: "Inbound URL" }).fill("javascript:alert(1)");
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("[aria-invalid=true]").first().waitFor();
    await url.fill(receiver.hook("email"));
    await page.getByRole("textbox", { name: "Inbound URL" }).fill("https://shop.example/help");
    await page.getByRole("button", { name: "Save" }).click();
    await saved();

    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.getByText(/200 after \d/).first().waitFor();
    const [call] = await receiver.calls(1);
    assert.equal(call.method, "POST");
    assert.equal(call.body, "");
    assert.equal(call.headers["api-security-token"], token);
    await accessible(page, "the e-mail settings of a widget");
    await picture(page, "mail-widget");

    await page.reload();
    await box.waitFor();
    assert.equal(await box.isChecked(), true);
    assert.equal(await url.inputValue(), receiver.hook("email"));
    assert.equal(await page.getByText(token).count(), 0, "the token is not shown again");
    assert.equal(await page.getByRole("textbox", { name: "Inbound URL" }).inputValue(), "https://shop.example/help");
    await page.goto(`${server.url}/app/settings/widgets/${other.id}/advanced`);
    await box.waitFor();
    assert.equal(await box.isChecked(), false, "the box is of the widget");

    await page.goto(`${editor}/advanced`);
    await url.fill(`${server.url}/nowhere`);
    await page.getByLabel("Token", { exact: true }).fill("another-secret-of-mails"); // what is for one server is not given to another
    await page.getByRole("button", { name: "Save" }).click();
    await saved();
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByText("Not connected", { exact: true }).waitFor();
    await page.getByText(/404 after \d/).first().waitFor();
    await accessible(page, "a test that failed");
    await picture(page, "mail-widget-test-failed");
    await page.setViewportSize({ width: 320, height: 640 });
    await fits(page, "the e-mail settings of a widget");
    assert.deepEqual(kim.faults, []);
  },
  quiet,
));

test("S-034: the link of a transcript brings the contact back into the conversation, in any browser", withStage(
  async (set) => {
    const { server, receiver, browser, link, shop } = set;
    await ticked(set);
    const kim = await operator(browser, link);
    await kim.view("All");
    const her = await jane(browser, shop, "Do you have this lamp in blue?");
    await kim.opens("Jane Doe");
    await kim.reply("Yes, from tomorrow on");
    await kim.shows("Yes, from tomorrow on");
    await kim.page.getByRole("button", { name: "More actions" }).click();
    const [inMenu, inBar] = [
      kim.page.getByRole("menuitem", { name: "Send transcript" }),
      kim.page.getByRole("button", { name: "Send transcript" }),
    ];
    if ((await inMenu.count()) > 0) await inMenu.click();
    else {
      await kim.page.keyboard.press("Escape");
      await inBar.click();
    }
    const dialog = kim.page.getByRole("dialog", { name: "Send transcript" });
    await dialog.waitFor();
    assert.equal(await dialog.getByLabel("To").inputValue(), "jane@customer.example");
    await accessible(kim.page, "sending a transcript");
    await picture(kim.page, "mail-send-transcript");
    await dialog.getByRole("button", { name: "Send", exact: true }).click();
    const [mail] = await mails(receiver, 1);
    assert.equal(mail.receiver, "jane@customer.example");
    const back = mail.context.conversation_url;
    assert.ok(back.startsWith(shop.url), back);

    // The mail itself, in a browser that would run what is in it: its link is the one of the context.
    const reader = await browser.newPage();
    await reader.setContent(mail.html);
    assert.ok((await reader.locator(`a[href="${back}"]`).count()) > 0, "the mail has the link");
    await picture(reader, "mail-transcript");
    await reader.close();

    const elsewhere = await visitor(browser, back);
    await elsewhere.shows("Do you have this lamp in blue?");
    await elsewhere.shows("Yes, from tomorrow on");
    assert.equal(elsewhere.page.url(), shop.url, "the secret has left the address");
    await elsewhere.write("Then I take two");
    await elsewhere.shows("Then I take two", "sent", "delivered", "read");
    await kim.shows("Then I take two");
    await accessible(elsewhere.page, "back by a link");
    await picture(elsewhere.page, "mail-back");

    // Once.
    const late = await visitor(browser, back);
    await late.page.getByText(/This link does not work any more/).waitFor();
    assert.equal(await late.message("Yes, from tomorrow on").count(), 0);
    await accessible(late.page, "a link that is over");
    await picture(late.page, "mail-link-over");
    assert.deepEqual([...kim.faults, ...her.faults, ...elsewhere.faults, ...late.faults], []);
  },
  quiet,
));

test("S-037, S-038, S-040: a contact signs in elsewhere by the link or the code of a mail, and wrong codes lock", withStage(
  async (set) => {
    const { server, receiver, browser, link, shop } = set;
    await ticked(set);
    const kim = await operator(browser, link);
    const her = await jane(browser, shop, "Do you have this lamp in blue?");
    const ask = async (guest, address) => {
      await guest.page.getByLabel("Your e-mail address").fill(address);
      await guest.page.getByRole("button", { name: "Send the mail" }).click();
      await guest.page.getByText(`If we know ${address}, a mail is on its way.`).waitFor();
    };

    const phone = await account(browser, shop);
    await accessible(phone.page, "signing in by mail");
    await picture(phone.page, "mail-sign-in");
    await ask(phone, "nobody@customer.example");
    await phone.page.getByRole("button", { name: "Ask for a new mail" }).click();
    await ask(phone, "jane@customer.example");
    const [first] = await mails(receiver, 1);
    assert.equal(first.email_type, "reauth");
    assert.equal(first.receiver, "jane@customer.example", "the address that nobody has got none");
    const code = phone.page.getByLabel("Code from the mail");
    await code.fill("AAAAA-AAAAA");
    await phone.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await phone.page.getByText(/This code is wrong/).waitFor();
    await accessible(phone.page, "a wrong code");
    await picture(phone.page, "mail-wrong-code");
    await code.fill(first.context.reauth_token.toLowerCase());
    await phone.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await phone.page.getByRole("button", { name: "All conversations" }).click();
    await phone.page.getByText("Do you have this lamp in blue?").waitFor();

    // The link, in yet another browser.
    const tablet = await account(browser, shop);
    await ask(tablet, "jane@customer.example");
    const [, second] = await mails(receiver, 2);
    const laptop = await visitor(browser, second.context.reauth_link);
    await laptop.page.getByRole("button", { name: "All conversations" }).click();
    await laptop.page.getByText("Do you have this lamp in blue?").waitFor();
    assert.equal(laptop.page.url(), shop.url, "the secret has left the address");
    await picture(laptop.page, "mail-signed-in");

    // Wrong codes lock, also for the right one.
    const button = tablet.page.getByRole("button", { name: "Sign in", exact: true });
    const typed = tablet.page.getByLabel("Code from the mail");
    for (let i = 0; i < 10 && (await tablet.page.getByText("There were too many wrong tries.").count()) === 0; i++) {
      await typed.fill(`AAAAA-AAAA${i}`);
      const answer = tablet.page.waitForResponse((one) => one.url().endsWith("/sign-in"));
      await button.click();
      await answer;
      await tablet.page.getByRole("alert").filter({ hasText: /\w/ }).first().waitFor();
    }
    await tablet.page.getByText(/There were too many wrong tries\./).waitFor();
    await accessible(tablet.page, "locked out");
    await picture(tablet.page, "mail-locked");
    const { items } = await server.api("GET", "/audit");
    assert.equal(items.filter((one) => one.action === "reauth.locked").length, 1);
    await kim.page.goto(`${server.url}/app/settings/audit`);
    await kim.page.getByRole("table", { name: /Audit log/ }).getByRole("row").nth(1).waitFor();
    await accessible(kim.page, "the audit log");
    await picture(kim.page, "mail-audit");
    const guests = [her, phone, tablet, laptop];
    assert.deepEqual([...kim.faults, ...guests.flatMap((one) => one.faults)], []);
  },
  quiet,
));
