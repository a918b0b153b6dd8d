// A whole day: a visitor and an operator go through everything that the API add-on tells of, and the receiver's list is held
// against a golden one. What belongs to one conversation, operator or widget comes in order; between them there is none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, operator, picture, visitor } from "../src/browser.mjs";
import { allEvents, withStage } from "../src/stage.mjs";

const survey = { question: "Did we solve it?", options: ["Yes", "Partly", "No"] };
const widget = {
  rating_form: "stars",
  ask_feedback: true,
  survey,
  goals: [{ name: "Newsletter", match: "script", pattern: "newsletter" }],
};

const golden = {
  conversation: [
    "chat_session.start",
    "chat_session.message_received",
    "chat_session.message_sent",
    "chat_session.goal",
    "chat_session.forward",
    "chat_session.end operator",
    "conversation.ended",
    "chat_session.rating 5",
    "chat_session.feedback Quick and kind.",
    "chat_session.survey Yes",
    "chat_session.start",
    "chat_session.message_received",
    "chat_session.unread",
    "chat_session.end contact",
    "conversation.ended",
  ],
  operator: ["operator.online", "operator.away", "operator.back"],
  um_widget: ["um_widget.config"],
};

const total = Object.values(golden).flat().length;

/** What a call says, in a line. */
function line({ _type, _event, end_reason, rate, feedback_message, post_survey_option }) {
  const more = { end: end_reason, rating: rate, feedback: feedback_message, survey: post_survey_option }[_event];
  return `${_type}.${_event}${more === undefined ? "" : ` ${more}`}`;
}

function sorted(bodies) {
  const lanes = { conversation: [], operator: [], um_widget: [] };
  for (const body of bodies) lanes[body._type === "chat_session" ? "conversation" : body._type].push(line(body));
  return lanes;
}

test("a whole day", withStage(async ({ server, receiver, shop, browser, link, widget: made }) => {
  const kim = await operator(browser, link);
  const guest = await visitor(browser, shop.url);

  // Coffee, before anybody has written.
  await kim.presence("Away");
  await kim.presence("Online");

  await guest.openChat();
  await guest.write("Is the green lamp in stock?");
  await kim.view(/Mine/);
  await kim.opens("Is the green lamp in stock?");
  await kim.reply("It is, twelve of them.");
  await guest.shows("It is, twelve of them.");
  await guest.page.evaluate(() => window.parley.goal("newsletter"));
  await kim.page.getByRole("log", { name: "Messages" }).getByText("Newsletter").waitFor();

  // Nobody else is there, so the group has it and nobody in it.
  await kim.forward("Support");
  await kim.view(/Unassigned/);
  await kim.opens("It is, twelve of them.");

  await kim.command("$api");
  await kim.page.getByText(/will be sent/i).first().waitFor();
  await picture(kim.page, "day-flagged");
  await kim.end();

  await guest.page.getByText("This conversation has ended.").waitFor();
  await guest.page.getByRole("radio", { name: "5 stars" }).check({ force: true });
  await guest.page.getByText("You rated: 5 / 5").waitFor();
  await guest.page.getByRole("textbox", { name: "Would you like to tell us more?" }).fill("Quick and kind.");
  await guest.page.getByRole("button", { name: "Send feedback" }).click();
  await guest.page.getByText("Thank you for your feedback.").waitFor();
  await guest.page.getByRole("button", { name: "Yes" }).click();
  await accessible(guest.page, "the card after a conversation");
  await picture(guest.page, "day-after");
  const before = golden.conversation.indexOf("chat_session.survey Yes") + 1 + golden.operator.length;
  await receiver.calls(before);

  // In the evening the visitor comes back, and gives up before anybody has read it.
  await kim.page.getByRole("link", { name: "All conversations" }).click();
  await kim.page.getByRole("table").getByText("Visitor 1").waitFor();
  await accessible(kim.page, "all conversations");
  await picture(kim.page, "day-all");
  await guest.write("And in blue?");
  await guest.shows("And in blue?", "sent", "delivered", "read");
  await guest.end();
  await server.api("PATCH", `/widgets/${made.id}`, { title: "Ask us" });
  await server.api("PATCH", `/widgets/${made.id}`, { title: "Ask us" }); // nothing changes

  const bodies = (await receiver.calls(total)).map((call) => {
    assert.equal(call.fault, "");
    return JSON.parse(call.body);
  });
  assert.deepEqual(sorted(bodies), golden);

  const of = (name) => bodies.filter((body) => line(body).startsWith(name));
  const [first, second] = of("chat_session.start");
  assert.equal(first.conversation_id, second.conversation_id, "one conversation");
  assert.notEqual(first.id, second.id, "two sessions");
  const [ended] = of("conversation.ended");
  assert.equal(ended.sessions.length, 1);
  const [goal] = of("chat_session.goal");
  assert.equal(goal.chat_widget_goal.name, "Newsletter");
  const [forward] = of("chat_session.forward");
  assert.equal(forward.operator_previous.first_name, "Kim");
  assert.equal(forward.operator_current, null);
  const [answered] = of("chat_session.survey");
  assert.deepEqual([answered.rate, answered.feedback_message, answered.post_survey_option], [5, "Quick and kind.", "Yes"]);

  // Nothing that was typed as a command has reached the visitor or a call.
  assert.equal(await guest.page.getByText("$api").count(), 0);
  assert.ok(!JSON.stringify(bodies).includes("$api"));
  await server.stop();
  assert.equal((await receiver.calls(0)).length, total, "nothing was sent twice");
  assert.deepEqual(guest.faults, []);
  assert.deepEqual(kim.faults, []);
}, { events: allEvents, widget }));
