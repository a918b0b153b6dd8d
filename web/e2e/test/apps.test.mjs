// Both apps as people meet them: axe in every state, all widths, dark and light. The pictures are for looking at.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findings, fits, operator, picture, visitor } from "../src/browser.mjs";
import { withStage } from "../src/stage.mjs";

const sizes = [
  { width: 320, height: 640 },
  { width: 768, height: 1024 },
  { width: 1440, height: 900 },
];

test("axe and the widths: both apps", withStage(async ({ server, shop, browser, link }) => {
  // All states are looked at before the test fails, so that one run tells everything.
  const found = [];
  const accessible = async (page, name) => found.push(...(await findings(page, name)));

  const kim = await operator(browser, link, { viewport: sizes[2] });
  await accessible(kim.page, "Message Center, empty");

  const guest = await visitor(browser, shop.url, { viewport: sizes[2] });
  await accessible(guest.page, "shop with the launcher");
  await guest.openChat();
  await accessible(guest.page, "messenger, empty");
  await guest.write("Do you ship to Norway?");
  await guest.shows("Do you ship to Norway?", "sent", "delivered", "read");

  await kim.view(/All/);
  await kim.opens("Do you ship to Norway?");
  await kim.reply("We do, in three days: https://shop.example/shipping");
  await guest.shows("We do, in three days");

  for (const scheme of ["light", "dark"]) {
    for (const size of sizes) {
      const name = `${size.width} ${scheme}`;
      for (const [app, { page }] of [["messenger", guest], ["center", kim]]) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.setViewportSize(size);
        await fits(page, `${app} ${name}`);
        await accessible(page, `${app} ${name}`);
        await picture(page, `${app}-${size.width}-${scheme}`);
      }
    }
  }

  await kim.end();
  await guest.page.getByText("This conversation has ended.").waitFor();
  await accessible(guest.page, "messenger, ended");
  await accessible(kim.page, "Message Center, ended");
  assert.deepEqual(guest.faults, []);
  assert.deepEqual(kim.faults, []);

  const pages = ["/app/settings", "/docs"];
  for (const path of pages) {
    await kim.page.goto(server.url + path);
    await kim.page.getByRole("heading", { level: 1 }).waitFor();
    await accessible(kim.page, path);
    await picture(kim.page, path.slice(1).replace("/", "-"));
  }
  assert.deepEqual(found, []);
}));
