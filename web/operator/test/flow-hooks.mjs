// An admin's work with a widget's hours and webhooks, saved replies and questions.

import assert from "node:assert/strict";
import { addHooks } from "./mock-hooks.mjs";

export async function hookScenes(scene) {
  await scene("a widget gets hours, a holiday and an alarm", {}, async ({ page, world, base }) => {
    await page.goto(`${base}/settings/widgets/1/availability`);
    await page.getByText("open around the clock", { exact: false }).first().waitFor();
    await page.getByText("Only at certain hours").click();
    await page.getByRole("button", { name: /Time zone/ }).click();
    await page.getByRole("searchbox", { name: "Search time zones" }).fill("berl");
    await page.getByRole("option", { name: "Europe/Berlin" }).click();
    await page.getByLabel("Monday: from").fill("8.30");
    await page.getByLabel("Monday: until").fill("12");
    await page.getByRole("button", { name: "Add times on Monday" }).click();
    await page.getByLabel("Monday, 2: until").fill("24");
    await page.getByRole("button", { name: /^Use Monday's times/ }).click();
    assert.equal(await page.getByLabel("Friday, 2: from").inputValue(), "13:00");
    await page.locator(".week").getByText("Friday").click();
    await page.getByRole("button", { name: "Add holiday" }).click();
    await page.getByLabel("Day of holiday 1").fill("2026-12-25");
    await page.getByLabel("Name of holiday 1").fill("Christmas");
    await page.getByRole("textbox", { name: "After seconds" }).fill("45");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved", { exact: true }).waitFor();
    assert.deepEqual(world.widgetSaved, {
      hours: {
        timezone: "Europe/Berlin",
        openings: [1, 2, 3, 4].flatMap((day) => [
          { day, from: "08:30", to: "12:00" },
          { day, from: "13:00", to: "24:00" },
        ]),
        holidays: [{ date: "2026-12-25", name: "Christmas" }],
      },
      offline_form: false,
      unanswered_seconds: 45,
    });
    await page.getByRole("radiogroup", { name: "Presence" }).getByText("Offline").click();
    await page.getByText("Switched off here").waitFor();
    assert.equal(world.widgets[0].presence, "off");
  });

  await scene("S-122 five webhooks, each with its own address", {}, async ({ page, world, base }) => {
    addHooks(world);
    await page.goto(`${base}/settings/widgets/1/webhooks`);
    const url = (name) => page.getByRole("textbox", { name, exact: true });
    assert.equal(await url("New conversation").inputValue(), "https://hooks.example/new_conversation");
    await url("Unanswered message").fill("https://siren.example/wake");
    await url("New conversation").fill("");
    await page.getByText("Saving ends this webhook").waitFor();
    await page.getByRole("radiogroup", { name: "Sent by itself" }).getByText("After the rating").click();
    await page.getByText("Real names").click();
    await page.getByRole("button", { name: "Save" }).click();
    const window = page.getByRole("dialog", { name: "Signing secret" });
    await window.getByText(/^whsec_/).waitFor();
    await window.getByRole("button", { name: "I have stored it" }).click();
    assert.deepEqual(world.widgetSaved, { transcript_hook: "review" });
    assert.deepEqual(world.hooksSaved, {
      urls: { unanswered: "https://siren.example/wake", new_conversation: "" },
      real_names: true,
    });
    assert.deepEqual(
      world.endpoints.filter((e) => e.hook).map((e) => e.hook.hook),
      ["transcript", "unanswered"],
    );
    await page.getByRole("button", { name: "Send test: Unanswered message" }).click();
    await page.getByRole("button", { name: "Send test", exact: true }).click();
    await page.getByText("Accepted: 200").waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("link", { name: "Resume: Chat transcript" }).click();
    await page.getByRole("heading", { name: "Demo shop: Chat transcript" }).waitFor();
    await page.getByRole("link", { name: "Widget webhook" }).waitFor();
    await page.getByRole("link", { name: "Edit" }).click();
    await page.getByRole("textbox", { name: "Calls at once" }).fill("4");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved", { exact: true }).first().waitFor();
    assert.equal(world.endpoints.find((e) => e.hook?.hook === "transcript").in_flight_limit, 4);
  });

  await scene("a saved reply is written, renamed and deleted", {}, async ({ page, world, base }) => {
    await page.goto(`${base}/settings/replies`);
    await page.getByRole("link", { name: "New saved reply" }).click();
    await page.getByRole("textbox", { name: "Shortcut" }).fill("#Hello");
    const body = page.getByRole("textbox", { name: "Text", exact: true });
    await body.fill("Good day , thanks!");
    await body.evaluate((field) => field.setSelectionRange(9, 9));
    await page.getByRole("button", { name: "Put in {name}" }).click();
    assert.equal(await body.inputValue(), "Good day {name}, thanks!");
    await page.getByText("Good day Ann Berg, thanks!").waitFor();
    await page.getByText("Without a name").click();
    await page.getByText("Good day, thanks!").waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("#hello is taken").waitFor();
    await page.getByRole("textbox", { name: "Shortcut" }).fill("#Thanks");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("link", { name: /#thanks/ }).click();
    assert.equal(world.replies.at(-1).body, "Good day {name}, thanks!");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("#thanks was deleted").waitFor();
    assert.equal(await page.getByRole("link", { name: /#thanks/ }).count(), 0);
  });

  await scene("a question group has answers in order", {}, async ({ page, world, base }) => {
    await page.goto(`${base}/settings/questions/5`);
    await page.getByRole("button", { name: "Move answer 3 up" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved", { exact: true }).waitFor();
    assert.deepEqual(world.replies.find((each) => each.id === 5).options, [
      "My order",
      "Something else",
      "An invoice",
    ]);
  });
}
