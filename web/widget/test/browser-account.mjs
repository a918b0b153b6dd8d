// The way in from a mail, sign-in by mail, transcripts, browsers and the visitor's own data. Part of browser.mjs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";

const NARROW = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };
const ANN = "ann@shop.example";

const loaded = (page) =>
  page.evaluate(() =>
    performance.getEntriesByType("resource").some((one) => one.name.includes("/widget/Account")),
  );
const screen = (page) => page.getByRole("region", { name: "Account" });
const stored = (page) => page.evaluate(() => localStorage.getItem("parley:w_demo:token"));
const wide = (page) =>
  page
    .locator(".account")
    .evaluate((box) =>
      [box, ...box.querySelectorAll("*")].some(
        (one) =>
          one.scrollWidth > one.clientWidth + 1 &&
          one.clientWidth > 0 &&
          getComputedStyle(one).display !== "inline" &&
          !one.matches("input, svg, svg *, .sr"),
      ),
    );

/** Ann has written and had an answer, in some browser. */
async function annWrote(v, text = "where is my parcel") {
  await v.open();
  await v.send(text);
  await v.state(text, "sent");
  v.mock.lever({ do: "reply", body: "It left this morning." });
  await v.bubble("It left this morning.").waitFor();
  v.mock.world.contacts[0].email = ANN;
}

/** Another browser, that has never been here. */
async function elsewhere(v, path, options = {}) {
  const context = await v.context
    .browser()
    .newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(8000 * v.patience);
  const seen = [];
  page.on("request", (one) => seen.push(`${one.url()} ${one.postData() ?? ""}`));
  page.on("pageerror", (fault) => v.faults.push(String(fault)));
  await page.goto(v.mock.base + path);
  return { context, page, seen };
}

async function toAccount(v) {
  if (!(await v.dialog.isVisible())) await v.open();
  const list = v.page.getByRole("button", { name: "All conversations" });
  await v.page.waitForTimeout(150);
  if (await list.isVisible()) await list.click();
  await v.page.getByRole("button", { name: "Account", exact: true }).click();
  await screen(v.page).waitFor();
}

export function accountTests(test) {
  for (const [form, around] of [
    ["fragment", (link) => [`#parley=${link}`, ""]],
    ["query", (link) => [`?a=1&parley=${link}&b=2#/route`, "?a=1&b=2#/route"]],
  ]) {
    test(`account: a link from a mail opens the conversation, signed in, and is gone (${form})`, {}, async (v) => {
      await annWrote(v);
      const way = v.mock.lever({ do: "mail", email: ANN });
      const [more, bare] = around(way.link);
      const { context, page, seen } = await elsewhere(v, `/demo/shop${more}`);
      await page.getByText("It left this morning.").waitFor();
      assert.equal(page.url(), `${v.mock.base}/demo/shop${bare}`);
      assert.equal(await page.evaluate(() => history.length), 2);
      assert.match(await stored(page), /^vt_/);
      // Nobody asked for the mail in this browser: it says as whom it is signed in now.
      const note = page.getByRole("region", { name: "Signed in", exact: true });
      await note.getByText(`You are signed in as ${ANN}`).waitFor();
      await page.screenshot({ path: `${process.env.SHOTS ?? tmpdir()}/account-welcome-${form}.png` });
      await note.getByRole("button", { name: "That is me" }).click();
      await note.waitFor({ state: "detached" });
      // The secret went to the server once, in a body, and nowhere else.
      const told = seen.filter(
        (one) => one.includes(way.link) && !one.startsWith(`${v.mock.base}/demo/shop`),
      );
      assert.deepEqual(
        told.map((one) => one.split(" ")[0]),
        [`${v.mock.base}/visitor/v1/widgets/w_demo/sign-in`],
      );
      assert.ok(
        !JSON.stringify(await page.evaluate(() => ({ ...localStorage, ...sessionStorage }))).includes(
          way.link,
        ),
      );
      // A second tab of that browser knows too, and the visitor can write.
      const second = await context.newPage();
      await second.goto(`${v.mock.base}/demo/shop`);
      await page.getByRole("textbox", { name: "Write a message" }).fill("thank you");
      await page.keyboard.press("Enter");
      await second.getByRole("button", { name: "Open chat" }).click();
      await second.locator("[data-message-number]", { hasText: "thank you" }).waitFor();
      assert.ok(
        v.mock.world.log.filter((one) => one.sent).every((one) => !JSON.stringify(one).includes(way.link)),
      );
      assert.ok(
        v.mock.world.log.filter((one) => one.frame).every((one) => !JSON.stringify(one).includes(way.link)),
      );
      assert.equal(v.mock.world.contacts.length, 1);
      // The address was not proven before: the browser that had only typed it in is out.
      await v.bubble("It left this morning.").waitFor({ state: "detached" });
      await context.close();
    });
  }

  test("account: a used link says so, offers a new mail, and its code signs in", {}, async (v) => {
    await annWrote(v);
    const way = v.mock.lever({ do: "mail", email: ANN, expired: true });
    const { context, page } = await elsewhere(v, `/demo/shop#parley=${way.link}`);
    await page.getByText("This link does not work any more").waitFor();
    const w = { ...v, page };
    await page.waitForTimeout(200);
    await page.screenshot({ path: `${process.env.SHOTS ?? tmpdir()}/account-used.png` });
    assert.equal(await stored(page), null);
    await page.getByLabel("Your e-mail address").fill(ANN);
    await page.getByRole("button", { name: "Send the mail" }).click();
    await page.getByText(`If we know ${ANN}, a mail is on its way.`).waitFor();
    const code = page.getByLabel("Code from the mail");
    assert.ok(await code.evaluate((one) => one === one.getRootNode().activeElement));
    const mail = w.mock.world.mails.at(-1);
    await code.fill(mail.code.toLowerCase());
    await page.keyboard.press("Enter");
    await page.getByText("It left this morning.").waitFor();
    // The link of the same mail is used up with the code.
    const third = await elsewhere(v, `/demo/shop#parley=${mail.link}`);
    await third.page.getByText("This link does not work any more").waitFor();
    await third.context.close();
    await context.close();
  });

  test("account: sign in by mail, wrong codes, the lock, unknown addresses", {}, async (v) => {
    await annWrote(v);
    v.mock.world.contacts[0].signed = ANN;
    const { context, page } = await elsewhere(v, "/demo/shop");
    const w = {
      ...v,
      page,
      dialog: page.getByRole("dialog"),
      launcher: page.getByRole("button", { name: "Open chat" }),
    };
    await w.launcher.click();
    await w.dialog.waitFor();
    assert.equal(await loaded(page), false);
    await page.getByRole("button", { name: "Account", exact: true }).click();
    const email = page.getByLabel("Your e-mail address");
    await email.fill("nonsense");
    await page.getByRole("button", { name: "Send the mail" }).click();
    await page.getByText("Please enter a complete e-mail address.").waitFor();
    v.mock.world.askAgainIn = 110;
    await email.fill("nobody@shop.example");
    await page.keyboard.press("Enter");
    await page.getByText("That was too often. Please try again in 2 min.").waitFor();
    v.mock.world.askAgainIn = 0;
    await page.keyboard.press("Enter");
    await page.getByText("If we know nobody@shop.example, a mail is on its way.").waitFor();
    assert.equal(v.mock.world.mails.length, 0);
    await page.getByRole("button", { name: "Ask for a new mail" }).click();
    await email.fill(ANN);
    await page.keyboard.press("Enter");
    const code = page.getByLabel("Code from the mail");
    for (let i = 0; i < 5; i++) {
      await code.fill(`WRONG-0000${i}`);
      await page.keyboard.press("Enter");
      await page.getByText("This code is wrong").waitFor();
    }
    await code.fill(v.mock.world.mails[0].code);
    await page.keyboard.press("Enter");
    await page.getByText("There were too many wrong tries. Please try again in 15 min.").waitFor();
    await page.waitForTimeout(100);
    await page.screenshot({ path: `${process.env.SHOTS ?? tmpdir()}/account-locked.png` });
    // Nothing is on the device: nobody has written or signed in here.
    assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0);
    v.mock.world.lockedFor = 0;
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByText("It left this morning.").waitFor();
    assert.equal(await page.getByRole("button", { name: "All conversations" }).count(), 1);
    // Signed in by mail: no need to do it again.
    await page.getByRole("button", { name: "All conversations" }).click();
    await page.getByRole("button", { name: "Account", exact: true }).click();
    await page.getByText("Where you are signed in").waitFor();
    assert.equal(await page.getByText("Sign in by mail").count(), 0);
    await context.close();
  });

  test("account: the visitor's conversations come along, in all tabs", {}, async (v) => {
    await annWrote(v);
    v.mock.world.contacts[0].signed = ANN;
    const { context, page } = await elsewhere(v, "/demo/shop");
    const second = await context.newPage();
    second.setDefaultTimeout(8000 * v.patience);
    await second.goto(`${v.mock.base}/demo/shop`);
    for (const one of [page, second]) await one.getByRole("button", { name: "Open chat" }).click();
    const box = page.getByRole("textbox", { name: "Write a message" });
    await box.fill("I am new here");
    await box.press("Enter");
    await second.locator("[data-message-number]", { hasText: "I am new here" }).waitFor();
    await page.getByRole("button", { name: "All conversations" }).click();
    await page.getByRole("button", { name: "Account", exact: true }).click();
    await page.getByRole("form", { name: "Sign in by mail" }).getByLabel("Your e-mail address").fill(ANN);
    await page.getByRole("button", { name: "Send the mail" }).click();
    await page.getByLabel("Code from the mail").waitFor();
    // The link of that mail opens in a tab of its own.
    const third = await context.newPage();
    third.setDefaultTimeout(8000 * v.patience);
    await third.goto(`${v.mock.base}/demo/shop#parley=${v.mock.world.mails[0].link}`);
    for (const one of [third, second, page]) {
      await one.getByRole("button", { name: "All conversations" }).click();
      await one.locator(".list li", { hasText: "It left this morning." }).waitFor();
      await one.locator(".list li", { hasText: "I am new here" }).waitFor();
    }
    const tokens = await Promise.all([page, second, third].map(stored));
    assert.equal(new Set(tokens).size, 1);
    assert.ok(tokens[0]);
    await context.close();
  });

  test("account: a link for somebody else asks first and hands nothing over", {}, async (v) => {
    await annWrote(v);
    v.mock.world.contacts[0].signed = ANN;
    const { context, page } = await elsewhere(v, "/demo/shop");
    await page.getByRole("button", { name: "Open chat" }).click();
    const box = page.getByRole("textbox", { name: "Write a message" });
    await box.fill("my own secret");
    await box.press("Enter");
    await page.locator('[data-state="sent"]').waitFor();
    const mine = await stored(page);
    const first = v.mock.lever({ do: "mail", conversation: v.mock.world.conversations[0].id });
    // Followed in the same tab: no reload, only another fragment.
    await page.evaluate((link) => {
      location.hash = `parley=${link}`;
    }, first.link);
    await page.getByText(`Go on as ${ANN}?`).waitFor();
    assert.equal(page.url(), `${v.mock.base}/demo/shop`);
    await page.waitForTimeout(200);
    await page.screenshot({ path: `${process.env.SHOTS ?? tmpdir()}/account-other.png` });
    await page.getByRole("button", { name: "Stay as you are" }).click();
    await page.locator("[data-message-number]", { hasText: "my own secret" }).waitFor();
    assert.equal(await stored(page), mine);
    assert.equal(v.mock.world.log.filter((one) => one.signIn).at(-1).bearer, null);
    await page.waitForTimeout(200);
    assert.equal(v.mock.world.tokens.size, 2);
    const next = v.mock.lever({ do: "mail", conversation: v.mock.world.conversations[0].id });
    await page.goto("about:blank");
    await page.goto(`${v.mock.base}/demo/shop#parley=${next.link}`);
    await page.getByRole("button", { name: `Go on as ${ANN}` }).click();
    await page.getByText("It left this morning.").waitFor();
    assert.equal(v.mock.world.conversations[1].contactId, v.mock.world.contacts[1].id);
    await page.waitForTimeout(200);
    assert.equal(v.mock.world.tokens.has(mine), false);
    await context.close();
  });

  test("account: a link that nobody asked for in a new browser says as whom, and can be left", {}, async (v) => {
    await annWrote(v);
    const way = v.mock.lever({ do: "mail", email: ANN });
    const narrow = { ...NARROW, colorScheme: "dark" };
    const { context, page } = await elsewhere(v, `/demo/shop#parley=${way.link}`, narrow);
    const note = page.getByRole("region", { name: "Signed in", exact: true });
    await note.getByText(`You are signed in as ${ANN}`).waitFor();
    await page.screenshot({ path: `${process.env.SHOTS ?? tmpdir()}/account-welcome-320.png` });
    assert.match(await stored(page), /^vt_/);
    await note.getByRole("button", { name: "Not you? Sign out" }).click();
    await note.waitFor({ state: "detached" });
    await page.getByText("It left this morning.").waitFor({ state: "detached" });
    await page.waitForTimeout(200);
    assert.equal(await stored(page), null);
    assert.equal(v.mock.world.tokens.size, 0);
    await context.close();
  });

  test("account: a link of another address than was asked for asks first and hands nothing over", {}, async (v) => {
    await annWrote(v);
    v.mock.world.contacts[0].signed = ANN;
    const { context, page } = await elsewhere(v, "/demo/shop");
    await page.getByRole("button", { name: "Open chat" }).click();
    const box = page.getByRole("textbox", { name: "Write a message" });
    await box.fill("my own secret");
    await box.press("Enter");
    await page.locator('[data-state="sent"]').waitFor();
    const mine = await stored(page);
    await page.getByRole("button", { name: "All conversations" }).click();
    await page.getByRole("button", { name: "Account", exact: true }).click();
    const form = page.getByRole("form", { name: "Sign in by mail" });
    await form.getByLabel("Your e-mail address").fill("me@shop.example");
    await page.getByRole("button", { name: "Send the mail" }).click();
    await page.getByLabel("Code from the mail").waitFor();
    const way = v.mock.lever({ do: "mail", conversation: v.mock.world.conversations[0].id });
    await page.evaluate((link) => {
      location.hash = `parley=${link}`;
    }, way.link);
    await page.getByText(`Go on as ${ANN}?`).waitFor();
    assert.equal(v.mock.world.log.filter((one) => one.signIn).at(-1).signIn.address, "me@shop.example");
    assert.equal(v.mock.world.conversations[1].contactId, v.mock.world.contacts[1].id);
    await page.getByRole("button", { name: "Stay as you are" }).click();
    await page.locator("[data-message-number]", { hasText: "my own secret" }).waitFor();
    assert.equal(await stored(page), mine);
    await context.close();
  });

  test("account: a link in the browser that is signed in already just opens; unsent things stay", {}, async (v) => {
    await annWrote(v);
    v.mock.world.contacts[0].signed = ANN;
    await v.page.getByRole("button", { name: "Close chat" }).first().click();
    const second = v.mock.lever({ do: "mail" });
    await v.page.goto("about:blank");
    await v.page.goto(`${v.mock.base}/demo/shop#parley=${second.link}`);
    await v.bubble("It left this morning.").waitFor();
    await v.box.waitFor();
    await v.page.waitForTimeout(300);
    assert.equal(v.mock.world.tokens.size, 1);
    await v.send("still me");
    await v.state("still me", "sent");
    // Without a secret it opens for those who are signed in …
    await v.page.goto("about:blank");
    await v.page.goto(`${v.mock.base}/demo/shop#parley-conversation=${v.mock.world.conversations[0].id}`);
    await v.bubble("still me").waitFor();
    assert.equal(v.page.url(), `${v.mock.base}/demo/shop`);
    // … and others are told what it takes.
    const other = await elsewhere(v, `/demo/shop#parley-conversation=${v.mock.world.conversations[0].id}`);
    await other.page.getByText("To see this conversation, sign in with the address").waitFor();
    assert.equal(other.page.url(), `${v.mock.base}/demo/shop`);
    await other.context.close();
    v.mock.world.signIn = false;
    const third = await elsewhere(v, `/demo/shop#parley-conversation=${v.mock.world.conversations[0].id}`);
    await third.page.getByRole("textbox", { name: "Write a message" }).waitFor();
    assert.equal(await third.page.getByRole("button", { name: "Account", exact: true }).count(), 0);
    await third.context.close();
  });

  test("account: a link that got no answer can be tried again", {}, async (v) => {
    await annWrote(v);
    const way = v.mock.lever({ do: "mail", email: ANN });
    v.mock.world.failAccount = 1;
    const { context, page } = await elsewhere(v, `/demo/shop#parley=${way.link}`);
    await page.getByText("That did not work.").waitFor();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("It left this morning.").waitFor();
    await context.close();
  });

  test("account: the conversation by mail", {}, async (v) => {
    await annWrote(v);
    v.mock.world.contacts[0].email = "";
    await toAccount(v);
    const form = v.page.getByRole("form", { name: "This conversation by mail" });
    await form.getByRole("button", { name: "Send the conversation" }).click();
    await form.getByText("Please enter a complete e-mail address.").waitFor();
    await form.getByLabel("Your e-mail address").fill(ANN);
    await form.getByRole("button", { name: "Send the conversation" }).click();
    await form.getByText("The mail is on its way.").waitFor();
    assert.deepEqual(v.mock.world.mails, [{ to: ANN, transcript: v.mock.world.conversations[0].id }]);
    v.mock.world.askAgainIn = 3000;
    await v.page.getByRole("button", { name: "Back to the conversation" }).click();
    await toAccount(v);
    await form.getByText(`We send this conversation to ${ANN}.`).waitFor();
    await form.getByRole("button", { name: "Send the conversation" }).click();
    await form.getByText("That was too often. Please try again in 50 min.").waitFor();
    v.mock.world.transcripts = false;
    await v.page.reload();
    await v.dialog.waitFor();
    await toAccount(v);
    assert.equal(await form.count(), 0);
  });

  test("account: browsers are listed and can be signed out, this one too", {}, async (v) => {
    await annWrote(v);
    v.mock.lever({ do: "browser", browser: { browser: "Firefox", os: "Android", mailed: true } });
    v.mock.lever({ do: "browser", browser: { browser: "", os: "" } });
    await toAccount(v);
    await v.page.getByRole("button", { name: "Sign out of Firefox on Android" }).click();
    await v.page.getByText("Firefox on Android").waitFor({ state: "detached" });
    await v.page.getByText("Unknown browser").waitFor();
    assert.equal(v.mock.world.tokens.size, 2);
    await v.page.getByRole("button", { name: "Sign out of This browser" }).click();
    const sure = v.page.getByRole("group", { name: "Sign out" });
    await v.page.keyboard.press("Escape");
    await sure.waitFor({ state: "detached" });
    assert.ok(await v.dialog.isVisible());
    await v.page.getByRole("button", { name: "Sign out of This browser" }).click();
    await v.page.getByRole("button", { name: "Yes, sign out" }).click();
    await v.box.waitFor();
    assert.equal(await stored(v.page), null);
    assert.equal(v.mock.world.tokens.size, 1);
    assert.equal(await v.page.locator("[data-message-number]").count(), 0);
  });

  test("account: data can be had, and deleted for good after a real question, in all tabs", {}, async (v) => {
    await annWrote(v);
    const second = await v.context.newPage();
    await second.goto(`${v.mock.base}/demo/shop`);
    await second.getByRole("button", { name: "Open chat" }).click();
    await second.getByText("It left this morning.").waitFor();
    await toAccount(v);
    v.mock.world.failAccount = 1;
    await v.page.getByRole("button", { name: "Download my data" }).click();
    await v.page.getByText("That did not work.").waitFor();
    const coming = v.page.waitForEvent("download");
    await v.page.getByRole("button", { name: "Download my data" }).click();
    const file = await coming;
    assert.equal(file.suggestedFilename(), "my-data.json");
    const data = JSON.parse(readFileSync(await file.path(), "utf8"));
    assert.equal(data.contact.email, ANN);
    assert.equal(data.conversations[0].messages[0].body, "where is my parcel");

    const erase = v.page.getByRole("button", { name: "Delete my data" });
    await erase.click();
    const sure = v.page.getByRole("group", { name: "Delete your data for good?" });
    const yes = sure.getByRole("button", { name: "Delete everything" });
    assert.equal(await yes.isDisabled(), true);
    await v.shot("account-erase");
    await v.axe("account, erase");
    await sure.getByRole("button", { name: "Keep my data" }).click();
    await v.page.waitForTimeout(100);
    assert.ok(await erase.evaluate((one) => one === one.getRootNode().activeElement));
    await erase.click();
    await sure.getByRole("checkbox").check();
    v.mock.world.failAccount = 1;
    await yes.click();
    await sure.getByText("That did not work.").waitFor();
    await yes.click();
    await v.page.getByText("Your data has been deleted.").waitFor();
    await v.shot("account-erased");
    assert.equal(v.mock.world.conversations.length + v.mock.world.contacts.length, 0);
    await second.getByText("It left this morning.").waitFor({ state: "detached" });
    await v.page.waitForTimeout(200);
    const left = await v.page.evaluate(() => Object.keys(localStorage));
    assert.deepEqual(left, []);
    await v.page.getByRole("button", { name: "Back to the conversation" }).click();
    await v.send("a new beginning");
    await v.state("a new beginning", "sent");
    assert.equal(v.mock.world.contacts.length, 1);
  });

  for (const [scheme, width, lang] of [
    ["light", 320, "en"],
    ["dark", 320, "de"],
    ["light", 400, "de"],
    ["dark", 400, "en"],
  ]) {
    test(`looks: account, ${scheme} ${width} ${lang}`, {
      widget: { theme: scheme, lang },
      context: { ...NARROW, viewport: { width, height: 760 } },
    }, async (v) => {
      const say = (en, de) => (lang === "en" ? en : de);
      const button = (en, de) => v.page.getByRole("button", { name: say(en, de), exact: true });
      await button("Open chat", "Chat öffnen").click();
      await button("Account", "Konto").click();
      const email = v.page.getByLabel(say("Your e-mail address", "Ihre E-Mail-Adresse"));
      await email.fill("somebody.with.a.long.address@department.of-a-shop.example");
      await button("Send the mail", "E-Mail senden").click();
      await v.page.getByLabel(say("Code from the mail", "Code aus der E-Mail")).fill("AAAAA-AAAAA");
      await v.page.keyboard.press("Enter");
      await v.page.locator(".wrong:not(:empty)").waitFor();
      await v.shot(`account-${scheme}-${width}-${lang}-code`);
      await v.axe(`account, code ${scheme}`);
      assert.equal(await wide(v.page), false);
      await button("Back to the conversation", "Zurück zur Unterhaltung").click();
      const box = v.page.getByRole("textbox", { name: say("Write a message", "Nachricht schreiben") });
      await box.fill("hello");
      await box.press("Enter");
      await v.state("hello", "sent");
      v.mock.world.contacts[0].email = "somebody.with.a.long.address@department.of-a-shop.example";
      v.mock.lever({ do: "browser", browser: { browser: "Firefox", os: "Android", mailed: true } });
      v.mock.lever({ do: "browser", browser: { browser: "Samsung Internet", os: "Android 14" } });
      await v.page.reload();
      await button("Open chat", "Chat öffnen").click();
      await button("All conversations", "Alle Unterhaltungen").click();
      await button("Account", "Konto").click();
      await v.page.getByText("Samsung Internet").waitFor();
      await v.shot(`account-${scheme}-${width}-${lang}-top`);
      await v.axe(`account ${scheme}`);
      assert.equal(await wide(v.page), false);
      await button("Delete my data", "Meine Daten löschen").click();
      await v.page.locator(".account").evaluate((one) => one.scrollTo(0, 9999));
      await v.shot(`account-${scheme}-${width}-${lang}-end`);
      await v.axe(`account, end ${scheme}`);
      assert.equal(await wide(v.page), false);
    });
  }
}
