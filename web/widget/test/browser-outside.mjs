// Outside the hours and before the first word: the offline form, answers to choose from, who a page says somebody is, and
// invitations. Part of browser.mjs.
import assert from "node:assert/strict";

const NARROW = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };
const AWAY = { availability: "offline", offlineForm: true };
const THERE = { showVisitors: true };
const LONG = "Donaudampfschifffahrtsgesellschaftskapitänspatent";

const form = (page) => page.getByRole("form");
const field = (page, name) => page.getByLabel(name);
const tomorrow = () => {
  const at = new Date();
  at.setDate(at.getDate() + 1);
  at.setHours(9, 0, 0, 0);
  return at.toISOString();
};
const loaded = (page, name) =>
  page.evaluate(
    (part) => performance.getEntriesByType("resource").some((one) => one.name.includes(`/widget/${part}`)),
    name,
  );
const wide = (page, selector) =>
  page
    .locator(selector)
    .first()
    .evaluate((box) =>
      [box, ...box.querySelectorAll("*")].some(
        (one) =>
          one.scrollWidth > one.clientWidth + 1 &&
          one.clientWidth > 0 &&
          getComputedStyle(one).display !== "inline" &&
          !one.matches("input, textarea, svg, svg *, .sr, .spoken"),
      ),
    );
const stored = (page) => page.evaluate(() => localStorage.length + sessionStorage.length);
const until = async (what, act) => {
  for (let i = 0; i < 200; i++) {
    const found = await act();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  throw new Error(`never: ${what}`);
};

async function fill(
  page,
  { name = "Kim", email = "kim@shop.example", message = "Do you ship to Oslo?" } = {},
) {
  await form(page).waitFor();
  await field(page, "Your name (optional)").fill(name);
  await field(page, "Your e-mail address").fill(email);
  await field(page, "Your message").fill(message);
}
const press = (page) => page.getByRole("button", { name: "Send message" }).click();

export function outsideTests(test) {
  test("offline form: sent, thanked, then the conversation", {
    world: { ...AWAY, opensAt: tomorrow() },
  }, async (v) => {
    await v.open();
    assert.equal(await loaded(v.page, "Offline"), true);
    await v.page.getByText(/We are back tomorrow at 09:00\. We will answer by e-mail\./).waitFor();
    assert.equal(await v.box.count(), 0);
    await v.axe("offline form");
    await v.shot("offline-form");
    await press(v.page);
    await v.page.getByText("Please enter a complete e-mail address.").waitFor();
    const described = (name) =>
      field(v.page, name).evaluate((one) => {
        const text = one.getRootNode().getElementById(one.getAttribute("aria-describedby") ?? "");
        return text && [text.textContent, text === one.closest("label").nextElementSibling];
      });
    assert.deepEqual(await described("Your e-mail address"), [
      "Please enter a complete e-mail address.",
      true,
    ]);
    assert.equal(await described("Your message"), null);
    const title = v.page.locator(".titles p");
    assert.equal(await title.textContent(), "We are offline");
    await v.shot("offline-wrong");
    await v.axe("offline wrong");
    await fill(v.page);
    assert.equal(await stored(v.page), 0);
    v.mock.world.loseAnswers = 1;
    await v.page.evaluate(() =>
      window.parley.on("offlineMessageSent", () => Object.assign(window, { left: true })),
    );
    await press(v.page);
    await v.page.getByText("We have your message and will answer to kim@shop.example.").waitFor();
    await v.shot("offline-thanks");
    await v.axe("offline thanks");
    assert.equal(await v.page.evaluate(() => window.left), true);
    const { log, conversations, contacts } = v.mock.world;
    const sent = log.filter((one) => one.offline).map((one) => one.offline);
    assert.equal(new Set(sent.map((one) => one.client_id)).size, 1);
    assert.deepEqual([conversations.length, contacts.length], [1, 1]);
    assert.ok(sent[0].visit.url.endsWith("/demo/shop"));
    await v.page.getByRole("button", { name: "Show my message" }).click();
    await v.bubble("Do you ship to Oslo?").waitFor();
    await v.send("To Bergen too?");
    await v.state("To Bergen too?", "sent");
    assert.equal(conversations.length, 1);
    assert.equal(await v.page.evaluate(() => localStorage.getItem("parley:w_demo:offline")), null);
  });

  test("offline form: kept over a reload while there is no line", { world: AWAY }, async (v) => {
    await v.open();
    v.mock.world.failOffline = 99;
    await fill(v.page);
    await press(v.page);
    await v.page.getByText("Your message is kept here").waitFor();
    await v.shot("offline-waiting");
    await v.axe("offline waiting");
    await v.page.reload();
    // The panel is open again, and says so.
    await v.page.getByText("Your message is kept here").waitFor();
    v.mock.world.failOffline = 0;
    await v.page.evaluate(() => dispatchEvent(new Event("online")));
    await until("stored", () => v.mock.world.messages.length === 1);
    await v.page.getByRole("button", { name: "Show my message" }).click();
    await v.bubble("Do you ship to Oslo?").waitFor();
    await v.page.reload();
    await v.page.waitForTimeout(300);
    assert.equal(v.mock.world.messages.length, 1);
  });

  test("offline form: what the server refuses comes back", { world: AWAY }, async (v) => {
    await v.open();
    v.mock.world.failOffline = 1;
    v.mock.world.failOfflineStatus = 422;
    await fill(v.page, { email: "kim@shop.invalid" });
    await press(v.page);
    await v.page.getByText("Please enter a complete e-mail address.").waitFor();
    assert.equal(await field(v.page, "Your message").inputValue(), "Do you ship to Oslo?");
    await field(v.page, "Your e-mail address").fill("kim@shop.example");
    await press(v.page);
    await v.page.getByText("Thank you!").waitFor();
    assert.equal(v.mock.world.messages.length, 1);
  });

  test("offline form: too long, and closed and opened again", { world: AWAY }, async (v) => {
    await v.open();
    await fill(v.page, { message: "x".repeat(5001) });
    await press(v.page);
    const long = v.page.getByText("Please shorten your message to 5,000 characters. It has 5,001.");
    await long.waitFor();
    assert.equal(await long.getAttribute("id"), "offline-message");
    assert.equal(await field(v.page, "Your message").getAttribute("aria-describedby"), "offline-message");
    assert.equal(await field(v.page, "Your e-mail address").getAttribute("aria-describedby"), null);
    await field(v.page, "Your message").fill("half a thought");
    await v.page.keyboard.press("Escape");
    await v.dialog.waitFor({ state: "detached" });
    await v.open();
    assert.equal(await field(v.page, "Your message").inputValue(), "half a thought");
    assert.equal(await field(v.page, "Your e-mail address").inputValue(), "kim@shop.example");
  });

  test("offline form: only without an open conversation", { world: { offlineForm: true } }, async (v) => {
    await v.open();
    await v.send("hello");
    await v.state("hello", "sent");
    await v.page.waitForTimeout(300);
    v.mock.lever({ do: "set", world: { availability: "offline" } });
    await v.page.getByText("We are offline").waitFor();
    assert.equal(await v.box.count(), 1);
    v.mock.lever({ do: "end" });
    await v.page.getByRole("button", { name: "Start a new conversation" }).waitFor();
    await v.box.waitFor({ state: "detached" });
    await v.shot("offline-ended");
    await v.page.getByRole("button", { name: "Start a new conversation" }).click();
    await form(v.page).waitFor();
  });

  for (const [name, context, widget] of [
    ["narrow", NARROW, {}],
    ["narrow dark", { ...NARROW, colorScheme: "dark" }, {}],
    ["dark", { colorScheme: "dark" }, {}],
    ["german", {}, { lang: "de", position: "left" }],
    ["german narrow", { ...NARROW, locale: "de-DE" }, { lang: "de" }],
    ["right to left narrow", NARROW, { lang: "ar" }],
    ["low", { viewport: { width: 640, height: 400 } }, {}],
  ])
    test(`offline form: looks ${name}`, {
      context,
      widget,
      world: { ...AWAY, opensAt: tomorrow() },
    }, async (v) => {
      await v.page.getByRole("button", { name: /^(Open chat|Chat öffnen)$/ }).click();
      await form(v.page).waitFor();
      await v.shot(`offline-${name}`);
      await v.axe(`offline ${name}`);
      assert.equal(await wide(v.page, ".away"), false);
      assert.equal(await wide(v.page, ".head"), false);
      assert.equal(await v.page.locator(".head .dot").evaluate((dot) => dot.offsetWidth), 8);
      await v.page.locator(".offline [type=email]").fill(`${LONG}@${LONG}.example`);
      await v.page.locator(".offline textarea").fill(LONG);
      await v.page.locator(".offline .primary").click();
      await v.page.locator(".told strong").waitFor();
      assert.equal(await wide(v.page, ".away"), false);
      await v.shot(`offline-${name}-thanks`);
    });

  for (const [name, context] of [
    ["wide", {}],
    ["narrow dark", { ...NARROW, colorScheme: "dark" }],
  ])
    test(`answers to choose from: ${name}`, { context }, async (v) => {
      await v.open();
      await v.send("hello");
      await v.state("hello", "sent");
      await v.page.waitForTimeout(200);
      v.mock.lever({
        do: "reply",
        body: "What is it about?",
        choices: ["An order", "Something else", `The ${LONG} that I have bought from you in the spring`],
      });
      const group = v.page.getByRole("group", { name: "Answers to choose from" });
      await group.waitFor();
      await v.shot(`choices-${name}`);
      await v.axe("choices");
      assert.equal(await wide(v.page, ".choices"), false);
      await group.getByRole("button", { name: "An order" }).click();
      await v.state("An order", "sent");
      assert.equal(await group.count(), 0);
      const focused = name === "wide" ? ".composer textarea:focus" : ".log:focus";
      assert.equal(await v.page.locator(focused).count(), 1);
      v.mock.lever({ do: "reply", body: "Which one?", choices: ["The first"] });
      await group.waitFor();
      await v.send("I do not know");
      await v.state("I do not know", "sent");
      assert.equal(await group.count(), 0);
      v.mock.lever({ do: "reply", body: "And now?", choices: ["Yes"] });
      await group.waitFor();
      v.mock.lever({ do: "end" });
      await v.page.getByText("ended the conversation").waitFor();
      assert.equal(await group.count(), 0);
    });

  test("who the page says somebody is", {}, async (v) => {
    await v.launcher.waitFor();
    const identify = (id, traits) => v.page.evaluate(([a, b]) => window.parley.identify(a, b), [id, traits]);
    assert.equal(
      (await identify("user1234", { "custom stuff": "things", email: "kim@shop.example" })).kind,
      "success",
    );
    assert.equal(await loaded(v.page, "messenger"), false);
    await v.page.evaluate(() =>
      window.parley.on("firstMessageSent", () => Object.assign(window, { firsts: (window.firsts ?? 0) + 1 })),
    );
    await v.open();
    await v.send("hello");
    await v.state("hello", "sent");
    await v.send("again");
    await v.state("again", "sent");
    const sent = v.mock.world.log.filter((one) => one.sent).map((one) => one.sent.claimed);
    assert.deepEqual(sent, [
      { id: "user1234", traits: { "custom stuff": "things", email: "kim@shop.example" } },
      undefined,
    ]);
    assert.equal(await v.page.evaluate(() => window.firsts), 1);
    assert.equal((await identify("user1234", { plan: "gold" })).kind, "success");
    assert.deepEqual(v.mock.world.log.findLast((one) => one.changed).changed, {
      claimed: { id: "user1234", traits: { plan: "gold" } },
    });
    const cyclic = await v.page.evaluate(() => {
      const traits = {};
      traits.self = traits;
      return window.parley.identify("user1234", traits);
    });
    assert.equal(cyclic.code, "facts.invalid");
  });

  test("traits that the server does not take cost no message", { world: { badTraits: true } }, async (v) => {
    await v.launcher.waitFor();
    await v.page.evaluate(() => window.parley.identify("user1234", { far: "too much" }));
    await v.open();
    await v.send("hello");
    await v.state("hello", "sent");
    assert.equal(v.mock.world.messages.length, 1);
  });

  test("nobody is told who is on the site unless the widget says so", {}, async (v) => {
    await v.launcher.waitFor();
    await v.page.waitForTimeout(300);
    assert.equal(await loaded(v.page, "here"), false);
  });

  test("on the site: pages, leaving, nothing stored, no messenger loaded", { world: THERE }, async (v) => {
    await v.launcher.waitFor();
    const row = await until("a visitor", () => [...v.mock.world.visitors.values()][0]);
    assert.equal(await loaded(v.page, "messenger"), false);
    await v.page.getByRole("link", { name: "See the lamp" }).click();
    await until("the second page", () => row.pages.length === 2);
    assert.ok(row.pages[1].endsWith("/demo/shop/product"));
    assert.equal(v.mock.world.visitors.size, 1);
    assert.equal(await stored(v.page), 0);
    const calls = v.mock.world.log.filter((one) => one.here);
    assert.equal(calls[0].here.key, "");
    assert.ok(calls.length < 6, `${calls.length} calls`);
    await v.page.goto(`${v.mock.base}/blank`);
    await until("left", () => v.mock.world.log.some((one) => one.here?.left));
  });

  test("on the site: unmounting ends it", { world: THERE }, async (v) => {
    await until("a visitor", () => v.mock.world.visitors.size);
    await v.page.evaluate(() => window.parley.unmount());
    await until("left", () => v.mock.world.log.some((one) => one.here?.left));
    const calls = v.mock.world.log.filter((one) => one.here).length;
    await v.page.waitForTimeout(1500);
    assert.equal(v.mock.world.log.filter((one) => one.here).length, calls);
    await v.page.evaluate(() => window.parley.mount());
    await until("here again", () => v.mock.world.visitors.size);
  });

  for (const [name, context, widget] of [
    ["light", {}, {}],
    ["dark left", { colorScheme: "dark" }, { position: "left" }],
    ["narrow german", NARROW, { lang: "de" }],
  ])
    test(`invited: ${name}`, {
      context,
      widget,
      world: { ...THERE, ...(name === "light" ? {} : AWAY) },
    }, async (v) => {
      await until("a visitor", () => v.mock.world.visitors.size);
      const long = name.startsWith("narrow") ? ` ${LONG} `.repeat(9) : "";
      v.mock.lever({
        do: "invite",
        body: `Hello! Are you looking for a lamp? I can help you to choose.${long}`,
      });
      const bubble = v.page.getByRole("region", { name: /Ann Lee$/ });
      await bubble.waitFor();
      await v.shot(`invited-${name}`);
      await v.axe(`invited ${name}`);
      assert.equal(await wide(v.page, ".invitation"), false);
      assert.equal(await stored(v.page), 0);
      await bubble.getByRole("button").first().click();
      await v.dialog.waitFor();
      assert.equal(await bubble.count(), 0);
      await v.page.locator(".welcome .text", { hasText: "looking for a lamp" }).waitFor();
      await v.shot(`invited-${name}-open`);
      await v.axe(`invited ${name} open`);
      const box = v.page.getByRole("textbox");
      await box.fill("Yes, please");
      await box.press("Enter");
      await v.state("Yes, please", "sent");
      await v.bubble("looking for a lamp").waitFor();
      assert.deepEqual(
        v.mock.world.messages.map((one) => one.sender.type),
        ["operator", "contact"],
      );
      assert.equal(v.mock.world.conversations.length, 1);
    });

  test("invited: taken back, and who writes is told at once", {
    world: { ...THERE, holdHere: 20_000 },
  }, async (v) => {
    await until("a visitor", () => v.mock.world.visitors.size);
    v.mock.lever({ do: "invite", body: "May I help?" });
    await v.page.getByRole("region", { name: "Message from Ann Lee" }).waitFor();
    await v.open();
    const shown = v.page.locator(".welcome .text", { hasText: "May I help?" });
    await shown.waitFor();
    for (const row of v.mock.world.visitors.values()) row.invitation = null;
    await shown.waitFor({ state: "detached" });
    const calls = () => v.mock.world.log.filter((one) => one.here).length;
    await v.page.waitForTimeout(1500);
    const before = calls();
    await v.send("hello");
    await v.state("hello", "sent");
    assert.equal(v.mock.world.log.findLast((one) => one.sent).sent.invitation, undefined);
    // The running call would have held for 20 seconds.
    await until("the visitor with a token", () => calls() > before);
    // An invitation that comes all the same is dropped, for something goes on.
    v.mock.lever({ do: "invite", body: "Too late" });
    await v.page.waitForTimeout(1500);
    assert.equal(await v.page.getByText("Too late").count(), 0);
  });

  test("invited: not now, and while the messenger is open", { world: THERE }, async (v) => {
    await until("a visitor", () => v.mock.world.visitors.size);
    v.mock.lever({ do: "invite", body: "May I help?" });
    const bubble = v.page.getByRole("region", { name: "Message from Ann Lee" });
    await bubble.getByRole("button", { name: "Not now" }).click();
    assert.equal(await bubble.count(), 0);
    await v.open();
    await v.page.locator(".welcome .text", { hasText: "May I help?" }).waitFor();
    v.mock.lever({ do: "invite", body: "Still there?" });
    await v.page.locator(".welcome .text", { hasText: "Still there?" }).waitFor();
    assert.equal(await bubble.count(), 0);
    await v.page
      .locator("[aria-live=polite]", { hasText: "Ann Lee: Still there?" })
      .first()
      .waitFor({ state: "attached" });
  });
}
