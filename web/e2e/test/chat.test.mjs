// Chats of visitors as the chat webhooks tell them: real server, real receiver, real browsers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, fits, operator, picture, visitor } from "../src/browser.mjs";
import { withStage } from "../src/stage.mjs";

/** The receiver hears the widget's own webhooks, and next to nothing of the rest. */
const quiet = { events: ["chat_session.goal"] };

const hooked = async ({ server, receiver, widget }) => {
  const names = ["new_conversation", "offline_message", "transcript", "unanswered", "feedback"];
  const urls = Object.fromEntries(names.map((name) => [name, receiver.hook(name)]));
  const set = await server.api("PUT", `/widgets/${widget.id}/webhooks`, { urls });
  await receiver.control({ secrets: set.secrets });
};

/** What came at the widget's webhooks so far, as soon as there are so many calls. */
const told = async (receiver, count) =>
  (await receiver.calls(count)).map(({ name, body }) => ({ name, body: JSON.parse(body) }));

test("S-124: the form of a widget where nobody is, without a line and over a reload", withStage(
  async (set) => {
    const { server, receiver, browser, link, shop, widget } = set;
    await hooked(set);
    await server.api("PATCH", `/widgets/${widget.id}`, { presence: "off", offline_form: true });
    const kim = await operator(browser, link);
    await kim.view("All");

    const bob = await visitor(browser, shop.url);
    await bob.page.getByRole("button", { name: "Open chat" }).click();
    const form = bob.page.getByRole("form", { name: "Leave us a message" });
    await form.waitFor();
    await accessible(bob.page, "the form for when nobody is there");
    await picture(bob.page, "chat-offline-form");
    await form.getByLabel("Your name (optional)").fill("Bob Smith");
    await form.getByLabel("Your e-mail address").fill("bob at smith");
    await form.getByLabel("Your message").fill("I just want to say I love your service!");
    await form.getByRole("button", { name: "Send message" }).click();
    await bob.page.locator("[aria-invalid=true]").first().waitFor();
    await form.getByLabel("Your e-mail address").fill("bob@smith.example");
    await bob.context.setOffline(true);
    await form.getByRole("button", { name: "Send message" }).click();
    await bob.page.waitForTimeout(300);
    assert.equal((await receiver.calls(0)).length, 0);
    await bob.context.setOffline(false);
    await bob.page.reload(); // the message was kept on the device

    const [{ name, body }] = await told(receiver, 1);
    assert.equal(name, "offline_message");
    assert.equal(body.name, "Bob Smith");
    assert.equal(body.email, "bob@smith.example");
    assert.equal(body.emailPretty, '"Bob Smith" <bob@smith.example>');
    assert.equal(body.message, "I just want to say I love your service!");
    assert.equal(body.visitor.currentPage, shop.url);
    assert.ok(!("location" in body.visitor));

    await kim.opens("I just want to say");
    await kim.shows("I just want to say I love your service!");
    await accessible(kim.page, "a conversation that began with the form");
    await picture(kim.page, "chat-offline-inbox");
    assert.equal((await receiver.calls(1)).length, 1, "no other webhook is called, and this one once");
    assert.deepEqual(kim.faults, []);
  },
  quiet,
));

test("S-125 to S-127, S-154: a chat with a question, an end, a rating and a transcript", withStage(
  async (set) => {
    const { server, receiver, browser, link, shop, widget } = set;
    await hooked(set);
    await server.api("PATCH", `/widgets/${widget.id}`, { rating_form: "thumbs", ask_feedback: true, transcript_hook: "review" });
    await server.api("POST", "/replies", {
      kind: "question", shortcut: "about", title: "What is it about?", body: "What is it about, {name}?", options: ["An order", "Something else"],
    });
    const kim = await operator(browser, link);
    await kim.view("All");
    const her = await visitor(browser, shop.url);
    await her.openChat();
    assert.equal((await her.page.evaluate(() => window.parley.identify("user1234", { "custom stuff": "things" }))).kind, "success");
    await her.write("Hi, I am having trouble signing up");
    await her.shows("Hi, I am having trouble", "sent", "delivered", "read");
    const [begun] = await told(receiver, 1);
    assert.equal(begun.name, "new_conversation");
    assert.equal(begun.body.message, "Hi, I am having trouble signing up");
    assert.equal(begun.body.visitor.identUserId, "user1234");
    assert.equal(begun.body.visitor.identTraits, '{"custom stuff":"things"}');
    assert.match(begun.body.visitor.handle, /^visitor-\d+$/);
    assert.equal(begun.body.visitor.userAgent, await her.page.evaluate(() => navigator.userAgent));

    await kim.opens("Hi, I am having trouble");
    await kim.command("$question-group about");
    await her.shows("What is it about?"); // nobody's name leaves no gap
    await accessible(her.page, "answers to choose from");
    await picture(her.page, "chat-choices");
    await her.page.getByRole("group", { name: "Answers to choose from" }).getByRole("button", { name: "An order" }).click();
    await her.shows("An order", "sent", "delivered", "read");
    await kim.shows("An order");
    assert.equal(await her.page.getByRole("group", { name: "Answers to choose from" }).count(), 0);

    await kim.command("$send-to-webhook extra stuff here");
    const early = (await told(receiver, 2))[1];
    assert.equal(early.name, "transcript");
    assert.deepEqual(early.body.extraData, ["extra", "stuff", "here"]);
    assert.deepEqual(early.body.messages.map((one) => [one.text, one.isVisitorMsg]), [
      ["Hi, I am having trouble signing up", true], ["What is it about?", false], ["An order", true],
    ]);
    await kim.end();
    await her.page.getByRole("radio", { name: "Good", exact: true }).check({ force: true });
    await her.page.getByText("Thank you", { exact: false }).first().waitFor();
    await her.page.getByRole("textbox", { name: "Would you like to tell us more?" }).fill("Great support, will use again!");
    await her.page.getByRole("button", { name: "Send feedback" }).click();
    const [, , third, fourth] = await told(receiver, 4);
    const [feedback, transcript] = third.name === "feedback" ? [third, fourth] : [fourth, third];
    assert.equal(feedback.body.message, "Great support, will use again!");
    assert.equal(feedback.body.conversationUUID, begun.body.conversationUUID);
    assert.equal(transcript.name, "transcript");
    assert.equal(transcript.body.chatRating, "up");
    assert.equal(transcript.body.chatFeedback, "Great support, will use again!");
    assert.equal(transcript.body.agentName, "Kim Noor");
    assert.equal(transcript.body.messages[1].username, "Kim N.");

    await kim.page.goto(transcript.body.archiveUrl);
    await kim.page.getByText("What is it about?").first().waitFor();
    await accessible(kim.page, "the page of a transcript");
    await picture(kim.page, "chat-transcript");
    await kim.page.setViewportSize({ width: 320, height: 640 });
    await fits(kim.page, "the page of a transcript");
    assert.deepEqual(kim.faults, []);
    const stranger = await browser.newContext();
    const page = await stranger.newPage();
    await page.goto(transcript.body.archiveUrl);
    await page.getByRole("button", { name: "Sign in" }).first().waitFor();
    assert.equal(await page.getByText("Hi, I am having trouble").count(), 0, "who is not signed in sees nothing of it");
  },
  quiet,
));

test("who is on the site is seen, and an invitation becomes a conversation when it is answered", withStage(
  async (set) => {
    const { server, browser, link, shop, widget } = set;
    await server.api("PATCH", `/widgets/${widget.id}`, { show_visitors: true });
    const her = await visitor(browser, shop.url);
    const kim = await operator(browser, link);
    const { page } = kim;
    await page.goto(`${server.url}/app/visitors`);
    const row = page.getByRole("list", { name: "Visitors on the site" }).getByRole("listitem").first();
    await row.waitFor();
    await accessible(page, "the visitors' page");
    await picture(page, "chat-visitors");
    const { items } = await server.api("GET", "/visitors");
    assert.equal(items.length, 1);
    await row.getByRole("button", { name: /^Invite/ }).click();
    await page.getByRole("dialog").getByRole("textbox").fill("May I help you?");
    await page.getByRole("dialog").getByRole("button", { name: /^(Send|Invite)/ }).click();
    const bubble = her.page.getByRole("region", { name: /^Message from Kim/ });
    await bubble.waitFor();
    await accessible(her.page, "an invitation");
    await picture(her.page, "chat-invitation");
    await bubble.getByRole("button", { name: /May I help you/ }).click();
    await her.composer.fill("Yes, please");
    await her.page.getByRole("button", { name: "Send", exact: true }).click();
    await her.shows("Yes, please", "sent", "delivered", "read");
    await her.shows("May I help you?");

    await page.goto(`${server.url}/app/`);
    await kim.view("Mine");
    await kim.opens("Yes, please");
    await kim.shows("May I help you?");
    await kim.shows("Yes, please");
    assert.deepEqual(kim.faults, []);
    assert.deepEqual(her.faults, []);
  },
  quiet,
));
