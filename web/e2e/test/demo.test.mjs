// The first five minutes: `parley demo` prints three links, and they work.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, launch, operator, picture, visitor } from "../src/browser.mjs";
import { Server } from "../src/server.mjs";

test("the demo's three links", async (t) => {
  const server = await Server.make({ verb: "demo" });
  t.after(() => server.remove());
  const child = await server.start();
  const [, shopLink] = await child.says(/(http\S+\/demo\/shop\S*)/);
  const [, centerLink] = await child.says(/(http\S+\/app\/link#\S+)/);
  const [, inspectorLink] = await child.says(/(http\S+\/demo\/inspector\S*)/);
  const browser = await launch();
  t.after(() => browser.close());

  const kim = await operator(browser, centerLink);
  const guest = await visitor(browser, shopLink);
  await accessible(guest.page, "demo shop");
  await picture(guest.page, "demo-shop");
  await guest.openChat();
  await guest.write("Is the lamp in stock?");
  await kim.view(/All/);
  await kim.opens("Is the lamp in stock?");
  await kim.reply("It is.");
  await guest.shows("It is.");

  const inspector = await (await browser.newContext()).newPage();
  await inspector.goto(inspectorLink);
  await inspector.getByText(/chat_session/).first().waitFor();
  await accessible(inspector, "callback inspector");
  await picture(inspector, "demo-inspector");

  assert.deepEqual(guest.faults, []);
  assert.deepEqual(kim.faults, []);
  await server.stop();
});
