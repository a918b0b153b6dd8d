// An admin's work with mails, and an operator's with transcripts.

import assert from "node:assert/strict";
import { addMails } from "./mock-mail.mjs";

export async function mailScenes(scene) {
  await scene("a mail server is set up, and what waited goes out", {}, async ({ page, world, base }) => {
    addMails(world);
    Object.assign(world.mailServer, {
      host: "",
      port: 0,
      tls: "",
      state: "unset",
      waiting: 12,
      has_password: false,
      username: "",
      from_email: "",
      from_name: "",
      per_minute: 0,
      dkim: { domain: "", selector: "", has_key: false, record: null },
    });
    await page.goto(`${base}/settings/mail`);
    await page.getByText("12 mails wait and will go out").waitFor();
    assert.equal(await page.getByRole("button", { name: "Send test mail" }).count(), 0);
    await page.getByRole("textbox", { name: "Host" }).fill("smtp.example.com");
    await page.getByRole("radiogroup", { name: "Encryption" }).getByText("TLS", { exact: true }).click();
    assert.equal(await page.getByRole("textbox", { name: "Port" }).inputValue(), "465");
    await page.getByRole("textbox", { name: "User name" }).fill("chat");
    await page.getByLabel("Password", { exact: true }).fill("correct horse");
    await page.getByRole("textbox", { name: "Address" }).fill("no address");
    await page.getByRole("radiogroup", { name: "Private key" }).getByText("Make one").click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("This is not an e-mail address").waitFor();
    await page.getByRole("textbox", { name: "Address" }).fill("chat@example.com");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The 12 waiting mails go out now").waitFor();
    assert.deepEqual(world.serverSaved, {
      host: "smtp.example.com",
      port: 465,
      tls: "tls",
      username: "chat",
      password: "correct horse",
      from_email: "chat@example.com",
      from_name: "",
      reply_to: "",
      per_minute: 0,
      dkim: { domain: "", selector: "", generate: true },
    });
    assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), "");
    await page.getByRole("group", { name: "DNS record" }).getByText("v=DKIM1").waitFor();
    const to = page.getByRole("textbox", { name: "To", exact: true });
    assert.equal(await to.inputValue(), world.operators[0].email);
    await page.getByRole("button", { name: "Send test mail" }).click();
    await page.getByText("The server took it").waitFor();
    await to.fill("nobody@example.com");
    await page.getByRole("button", { name: "Send test mail" }).click();
    await page.getByText("550 no such user here").waitFor();
    await page.getByRole("button", { name: "Remove mail server" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove mail server" }).click();
    await page.getByText("Mails wait until there is one").waitFor();
  });

  await scene(
    "the custom email API is set for one widget, kept masked and tested",
    {},
    async ({ page, world, base }) => {
      await page.goto(`${base}/settings/widgets/1`);
      await page.getByRole("link", { name: "Chat › Advanced" }).click();
      await page.getByText("no mail server is set up").waitFor();
      await page.getByRole("checkbox", { name: /^Custom email API/ }).press("Space");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Write the address that takes the mails").waitFor();
      await page.getByRole("textbox", { name: "Callback URL" }).fill("https://shop.example/email");
      await page.getByRole("textbox", { name: "Token" }).fill("s3cr3t-1");
      assert.equal(await page.getByRole("button", { name: "Test", exact: true }).isDisabled(), true);
      await page.getByText("Send answers that were not read").click();
      await page.getByRole("textbox", { name: "After minutes" }).fill("5");
      await page.getByRole("textbox", { name: "Inbound URL" }).fill("https://shop.example/help");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Saved", { exact: true }).waitFor();
      const { texts, ...saved } = world.widgetMailSaved;
      assert.deepEqual(saved, {
        custom_email_api: {
          enabled: true,
          url: "https://shop.example/email",
          token: "s3cr3t-1",
          context_as_text: false,
        },
        inbound_url: "https://shop.example/help",
        transcript_on_end: false,
        transcript_offer: false,
        sign_in: true,
        missed_after_seconds: 300,
        from_name: "",
        logo_url: "",
      });
      assert.ok(Object.values(texts).every((text) => text === ""));
      await page.getByRole("button", { name: "Test", exact: true }).click();
      await page.getByText("Connected: 200").waitFor();
      await page.getByText("200 after 42 ms").waitFor();
      await page.reload();
      assert.equal(
        await page.getByRole("textbox", { name: "Token" }).getAttribute("placeholder"),
        "••••••••3t-1",
      );
      assert.equal(await page.getByText("s3cr3t-1").count(), 0);
      await page.getByRole("textbox", { name: "Callback URL" }).fill("https://shop.example/gone");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Saved", { exact: true }).waitFor();
      assert.equal("token" in world.widgetMailSaved.custom_email_api, false, "the stored one stays");
      await page.getByRole("button", { name: "Test", exact: true }).click();
      await page.getByText("404 after 31 ms").waitFor();
      await page.goto(`${base}/settings/widgets/2/advanced`);
      await page.getByRole("checkbox", { name: /^Custom email API/ }).waitFor();
      assert.equal(await page.getByRole("checkbox", { name: /^Custom email API/ }).isChecked(), false);
    },
  );

  await scene("texts of mails are seen while they are typed", {}, async ({ page, world, base }) => {
    await page.goto(`${base}/settings/widgets/1/advanced`);
    const mail = page.frameLocator("iframe[title='Preview: Transcript']");
    await mail.getByText("this is what was said.").waitFor();
    await page.getByRole("textbox", { name: "Introduction" }).fill("Thanks, {name}!\n<b>See you</b>");
    await mail.getByText("<b>See you</b>").waitFor();
    assert.equal(world.previewed.texts.transcript_intro, "Thanks, {name}!\n<b>See you</b>");
    // It is drawn as a mail program would: with its styles, without its scripts, on either screen.
    const card = mail.locator(".card");
    const ground = () => card.evaluate((each) => getComputedStyle(each).backgroundColor);
    assert.equal(await ground(), "rgb(255, 255, 255)");
    await page.getByRole("radiogroup", { name: "How to show the mail" }).getByText("Dark").click();
    await page.waitForFunction(() => {
      const card = document.querySelector("iframe")?.contentDocument?.querySelector(".card");
      return card && getComputedStyle(card).backgroundColor === "rgb(30, 33, 39)";
    });
    assert.equal(await mail.getByRole("link").count(), 0, "links lead nowhere");
    assert.equal(await mail.locator("script").count(), 0);
    await page.getByRole("radiogroup", { name: "How to show the mail" }).getByText("Text").click();
    await page.getByRole("group", { name: "Preview: Transcript, as text" }).getByText("See you").waitFor();
    await page.getByRole("textbox", { name: "Subject" }).fill("x".repeat(201));
    await page.getByRole("radiogroup", { name: "Mail", exact: true }).getByText("Sign-in").click();
    await page.getByRole("button", { name: "Save" }).click();
    // The fault stands at the text of another mail: that one is shown.
    await page.getByText("A subject has at most 200 characters").waitFor();
    assert.equal((await page.getByRole("textbox", { name: "Subject" }).inputValue()).length, 201);
  });

  await scene(
    "a transcript is sent, and its way is seen at the contact",
    {},
    async ({ page, world, base }) => {
      addMails(world);
      world.mails = [];
      await page.goto(`${base}/inbox/3`);
      await page.getByText("Mails to this address are refused").waitFor();
      await page.getByRole("button", { name: "Send transcript" }).click();
      const dialog = page.getByRole("dialog", { name: "Send transcript" });
      const to = dialog.getByRole("textbox", { name: "To" });
      assert.equal(await to.inputValue(), world.conversations.get(3).contact.email);
      await dialog.getByText("were refused").waitFor();
      await to.fill("boss");
      await dialog.getByText("reads the whole conversation").waitFor();
      await dialog.getByRole("button", { name: "Send" }).click();
      await dialog.getByText("This is not an e-mail address").waitFor();
      await to.fill("boss@example.com");
      await dialog.getByRole("button", { name: "Send" }).click();
      await page.getByText("on its way to boss@example.com").waitFor();
      assert.deepEqual(world.transcript, { receiver: "boss@example.com" });
      const line = page
        .getByRole("complementary", { name: "Contact" })
        .locator("li")
        .filter({ hasText: "boss@" });
      await line.getByText("Waiting").waitFor();
      await line.getByText("Sent").waitFor({ timeout: 8000 });
      await page.keyboard.press("m");
      await dialog.getByRole("button", { name: "Send" }).click();
      await page.getByText("on its way to mei.tanaka").waitFor();
      assert.deepEqual(world.transcript, {}, "the contact's own address is the server's business");
    },
  );

  await scene("mails and their deliveries are listed and opened", {}, async ({ page, world, base }) => {
    addMails(world);
    await page.goto(`${base}/settings/mail/mails`);
    await page.getByRole("button", { name: /State/ }).click();
    await page.getByRole("option", { name: "Not sent" }).click();
    await page.waitForURL(/state=failed/);
    await page.getByRole("link", { name: "Transcript" }).click();
    await page.getByText("550 5.1.1").first().waitFor();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("It waits to be tried again").waitFor();
    assert.equal(world.mails[2].state, "queued");
    await page.getByRole("link", { name: "Deliveries of mails" }).click();
    await page.waitForURL(/mail\/deliveries$/);
    assert.equal(await page.getByRole("row").count(), 6);
    await page.goto(`${base}/settings/audit`);
    await page.getByText("Sign-in by mail was locked").waitFor();
    await page.getByText("Address 203.0.113.7").waitFor();
    await page.getByText("Ada Keller", { exact: true }).waitFor();
  });
}
