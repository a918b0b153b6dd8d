// The main job: a visitor and an operator talk, and another company's program receives what happened, in order, signed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { operator, visitor } from "../src/browser.mjs";
import { mainJob, withStage } from "../src/stage.mjs";

const named = (call) => {
  const { _type, _event } = JSON.parse(call.body);
  return `${_type}.${_event}`;
};

/** The calls without repeats: what a receiver keeps that knows webhook-id. Repeats must be the same bytes. */
function once(calls) {
  const seen = new Map();
  for (const call of calls) {
    const key = call.headers["webhook-id"];
    const first = seen.get(key);
    if (first) assert.equal(call.body, first.body, `the repeat of ${key} has other bytes`);
    else seen.set(key, call);
  }
  return [...seen.values()];
}

function assertMainJob(calls) {
  for (const call of calls) {
    assert.equal(call.fault, "", `the signature of ${named(call)}`);
    assert.equal(call.method, "POST");
    assert.equal(call.headers["content-type"], "application/json");
    assert.match(call.headers["user-agent"], /^Parley\//);
  }
  const kept = once(calls);
  assert.deepEqual(kept.map(named), mainJob);
  const [start, received, sent, end, ended] = kept.map((call) => JSON.parse(call.body));
  assert.deepEqual(start.messages.map((one) => one.body), ["Do you ship to Norway?"]);
  assert.deepEqual(received.messages.map((one) => one.body), ["Do you ship to Norway?"]);
  assert.deepEqual(sent.messages.map((one) => one.body), ["We do, in three days."]);
  assert.equal(end.end_reason, "operator");
  assert.equal(ended.status, "ended");
  for (const one of [received, sent, end]) {
    assert.equal(one.conversation_id, start.conversation_id);
    assert.equal(one.id, start.id);
  }
  assert.equal(ended.id, start.conversation_id);
}

test("main job", withStage(async ({ server, receiver, shop, browser, link }) => {
  const kim = await operator(browser, link);
  const guest = await visitor(browser, shop.url);

  await guest.openChat();
  await guest.write("Do you ship to Norway?");
  await guest.shows("Do you ship to Norway?", "sent", "delivered", "read");

  // Kim is online and in the widget's group, so the conversation is hers.
  await kim.view(/Mine/);
  await kim.opens("Do you ship to Norway?");
  await kim.shows("Do you ship to Norway?");
  await guest.shows("Do you ship to Norway?", "read");

  await kim.reply("We do, in three days.");
  await guest.shows("We do, in three days.");
  await kim.shows("We do, in three days.", "read");

  await kim.end();
  await guest.page.getByText("This conversation has ended.").waitFor();

  assertMainJob(await receiver.calls(mainJob.length));
  await server.stop();
  assert.equal((await receiver.calls(0)).length, mainJob.length, "nothing was sent twice");
  assert.deepEqual(guest.faults, []);
  assert.deepEqual(kim.faults, []);
}));

test("main job, with kill -9 in the middle", withStage(async ({ server, receiver, shop, browser, link }) => {
  const kim = await operator(browser, link);
  const guest = await visitor(browser, shop.url);

  // The receiver takes the first call and does not answer it, so that it is in flight when the power goes.
  await receiver.control({ mode: "hang" });
  await guest.openChat();
  await guest.write("Do you ship to Norway?");
  await guest.shows("Do you ship to Norway?", "sent", "delivered", "read");
  await receiver.calls(1);
  await kim.view(/Mine/);
  await kim.opens("Do you ship to Norway?");

  await server.kill9();
  await receiver.control({ mode: "ok" });
  await server.start();

  // Both pages find the server again by themselves; nobody reloads.
  await kim.shows("Do you ship to Norway?");
  await kim.reply("We do, in three days.");
  await guest.shows("We do, in three days.");
  await kim.shows("We do, in three days.", "read");
  await guest.shows("Do you ship to Norway?", "read");

  await kim.end();
  await guest.page.getByText("This conversation has ended.").waitFor();

  // The call that was in flight comes again with the same webhook-id; the others come once.
  assertMainJob(await receiver.calls(mainJob.length + 1, 90_000));

  // The feed has no gap, whatever was going on.
  const { items, seq } = await server.api("GET", "/events?after=0&limit=200");
  assert.deepEqual(items.map((event) => event.seq), Array.from({ length: seq }, (_, i) => i + 1));
  await server.stop();
}));

test("what a receiver refused comes again, in order", withStage(async ({ receiver, shop, browser, link }) => {
  const kim = await operator(browser, link);
  const guest = await visitor(browser, shop.url);
  await receiver.control({ mode: "fail" });
  await guest.openChat();
  await guest.write("Do you ship to Norway?");
  await kim.view(/Mine/);
  await kim.opens("Do you ship to Norway?");
  await kim.reply("We do, in three days.");
  await guest.shows("We do, in three days.");
  await receiver.calls(1);
  await receiver.control({ mode: "ok" });
  await kim.end();

  const calls = await receiver.calls(mainJob.length + 1, 90_000);
  const taken = calls.filter((call) => call.mode === "ok");
  assert.deepEqual(taken.map(named), mainJob, "nothing overtakes the call that was refused");
  assertMainJob(calls);
}));
