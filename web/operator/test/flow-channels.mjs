// An admin's work with channels, and an operator's with conversations on them.

import assert from "node:assert/strict";
import { addChannels } from "./mock-channels.mjs";
import { emit } from "./mock-server.mjs";

const settle = (page) => page.waitForTimeout(150);
const rows = (page) => page.locator(".list-rows [data-conversation]");

export async function channelScenes(scene) {
  await scene(
    "a channel is made, its tokens are shown once, and it is tried",
    {},
    async ({ page, world, base }) => {
      await page.goto(`${base}/settings/channels`);
      await page.getByRole("heading", { name: "No other channel yet" }).waitFor();
      await page.getByRole("link", { name: "New channel" }).click();
      await page.getByRole("textbox", { name: "Channel name" }).fill("Ticket desk");
      await page.getByRole("textbox", { name: "Outbound URL" }).fill("http://10.0.0.7/in");
      const inbound = page.getByRole("radiogroup", { name: "Inbound auth token" });
      await inbound.getByText("Type my own").click();
      await page.getByRole("textbox", { name: "Inbound auth token, your own" }).fill("my-own-token-1");
      await page.getByRole("button", { name: /Default Widget/ }).click();
      await page.getByRole("option", { name: "Customer area" }).click();
      await page.getByRole("group", { name: "Additional Widgets" }).getByText("Demo shop").click();
      await page.getByText("E-mail addresses must be verified").waitFor();
      await page.getByRole("button", { name: "Create channel" }).click();
      await page.getByText("private network").waitFor();
      assert.equal(world.newChannel, undefined, "nothing was made");
      await page.getByRole("textbox", { name: "Outbound URL" }).fill("https://tickets.example/in");
      await page.getByRole("button", { name: "Create channel" }).click();
      await page.getByRole("heading", { name: "Ticket desk is live" }).waitFor();
      assert.deepEqual(world.newChannel, {
        type: "custom",
        name: "Ticket desk",
        widget_id: 2,
        widgets: [1],
        settings: { outbound_url: "https://tickets.example/in", version: "1" },
        merge: true,
        auto_reply: false,
        secrets: { inbound_token: "my-own-token-1" },
      });
      const example = page.getByRole("group", { name: "Example" });
      assert.match(await example.textContent(), /API-SECURITY-TOKEN: my-own-token-1/);
      await page.getByRole("button", { name: "Send test, inward" }).click();
      await page.getByRole("link", { name: "Open the conversation" }).waitFor();
      await page.reload();
      await page.getByText("Tokens are shown once").waitFor();
      assert.equal(await page.getByText("my-own-token-1").count(), 0);
      await page.getByRole("button", { name: "Send test, inward" }).click();
      await page.getByRole("link", { name: "Open the conversation" }).click();
      await page.getByRole("log").getByText("This is a test.").waitFor();
    },
  );

  await scene("a token is rotated with an overlap", {}, async ({ page, world, base }) => {
    addChannels(world);
    await page.goto(`${base}/settings/channels/1`);
    await page.getByRole("button", { name: "Rotate: Inbound auth token" }).click();
    await page.getByRole("radiogroup", { name: "The token before stops" }).getByText("In 7 days").click();
    await page.getByRole("button", { name: "Rotate", exact: true }).click();
    await page.getByText("It is not shown again").waitFor();
    assert.deepEqual(world.rotated, { secret: "inbound_token", overlap_hours: 168 });
    await page.getByRole("button", { name: "I have stored it" }).click();
    await page.getByText("••••••••4dS1").waitFor();
    await page.getByRole("button", { name: "Rotate: Outbound auth token" }).click();
    assert.equal(await page.getByRole("radiogroup", { name: "The token before stops" }).count(), 0);
    await page.getByText("Type my own").click();
    await page.getByRole("textbox", { name: "Your own token" }).fill("short");
    await page.getByRole("button", { name: "Rotate", exact: true }).click();
    await page.getByText(/at least 8 characters/).waitFor();
  });

  await scene(
    "a channel's settings are saved, paused, resumed and deleted",
    {},
    async ({ page, world, base }) => {
      addChannels(world);
      await page.goto(`${base}/settings/channels/2/edit`);
      await page.getByText("Do not merge with website contacts").click();
      await page.getByText("E-mail addresses must be verified").waitFor();
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Saved", { exact: true }).waitFor();
      assert.equal(world.channels[1].merge, true);
      await page.getByRole("button", { name: "Pause" }).click();
      await page.getByRole("button", { name: "Resume…" }).click();
      await page.getByRole("button", { name: "Leave them out" }).click();
      await page.getByText("Active", { exact: true }).waitFor();
      assert.deepEqual(world.lastResume, { backlog: false });
      await page.getByRole("link", { name: "Sent", exact: true }).click();
      await page.locator(".log-table .tag").getByText("Given up").waitFor();
      assert.equal(await page.locator(".log-table tbody tr").count(), 3);
      await page.getByRole("link", { name: "Overview" }).click();
      await page.getByRole("button", { name: "Delete channel" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Delete channel" }).click();
      await page.getByText("was deleted").waitFor();
      assert.equal(world.channels.length, 1);
    },
  );

  await scene("what came in leads to its conversation", {}, async ({ page, world, base }) => {
    addChannels(world);
    await page.goto(`${base}/settings/channels/1/inbound`);
    await page.getByText("channel.token_wrong").waitFor();
    await page.getByRole("button", { name: "Older requests" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".log-table tbody tr").length === 63);
    await page.getByRole("link", { name: "Message 40" }).click();
    await page.waitForURL(/\/inbox\/3$/);
  });

  await scene("the inbox is narrowed to a channel", {}, async ({ page, world, base }) => {
    addChannels(world);
    await page.goto(`${base}/`);
    await rows(page).first().waitFor();
    await page.getByRole("button", { name: "Channel: Every channel" }).click();
    await page.getByRole("menuitemradio", { name: "WhatsUp gateway" }).click();
    await page.waitForURL(/channel=1/);
    await page.waitForFunction(
      () => document.querySelectorAll(".list-rows [data-conversation]").length === 4,
    );
    // A conversation goes on elsewhere: it leaves the list of one channel and joins that of the other.
    const moved = world.conversations.get(3);
    moved.channel = { id: 2, type: "custom", name: world.channels[1].name };
    moved.updated_at = new Date().toISOString();
    emit(world, "conversation.updated", { conversation: { ...moved } });
    await page.waitForFunction(() => !document.querySelector('.list-rows [data-conversation="3"]'));
    await rows(page).first().click();
    await page.waitForURL(/\/inbox\/\d+\?.*channel=1/);
    await page.getByRole("button", { name: "Channel: WhatsUp gateway" }).click();
    await page.getByRole("menuitemradio", { name: "Website" }).click();
    await page.waitForURL(/channel=website/);
    await settle(page);
    assert.equal(await page.locator(".list-rows .channel-name").count(), 0);
    await page.goto(`${base}/conversations?channel=2`);
    await page.locator("tbody tr[data-conversation]").first().waitFor();
    await page.getByRole("button", { name: /^Channel: SMS/ }).waitFor();
  });

  await scene(
    "a conversation is begun with a contact, and with anybody",
    {},
    async ({ page, world, base }) => {
      addChannels(world);
      await page.goto(`${base}/inbox/3`);
      await page.getByRole("button", { name: "Start a conversation" }).click();
      const address = page.getByRole("textbox", { name: "E-mail address" });
      assert.equal(await address.inputValue(), "mei.tanaka@example.net");
      await page.getByRole("textbox", { name: "Message" }).fill("Your lamp is here.");
      await page.getByRole("button", { name: "Send", exact: true }).last().click();
      await page.waitForURL(/\/inbox\/41/);
      await page.getByRole("log").getByText("Your lamp is here.").waitFor();
      assert.deepEqual(world.started, {
        channel_id: 1,
        contact_id: 3,
        address: "mei.tanaka@example.net",
        body: "Your lamp is here.",
      });
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await page.getByPlaceholder("Search or type").fill("start a conv");
      await page.getByRole("menuitem", { name: /^Start a conversation/ }).click();
      await page
        .getByRole("button", { name: /Channel$/ })
        .last()
        .click();
      await page.getByRole("option", { name: /^SMS/ }).click();
      await page.getByRole("textbox", { name: "Address at the other side" }).fill("4711");
      await page.getByRole("textbox", { name: "Name" }).fill("Bo");
      await page.getByRole("textbox", { name: "Message" }).fill("Hello Bo");
      await page.getByRole("button", { name: "Send", exact: true }).last().click();
      await page.waitForURL(/\/inbox\/42/);
      assert.deepEqual(world.started, { channel_id: 2, address: "4711", name: "Bo", body: "Hello Bo" });
    },
  );

  await scene("an address is made a contact of its own", {}, async ({ page, world, base }) => {
    addChannels(world);
    await page.goto(`${base}/inbox/3`);
    await page.getByRole("button", { name: /^Separate/ }).click();
    await page.getByText("it becomes a new contact").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Separate" }).click();
    await page.getByText("is a contact of its own now").waitFor();
    assert.notEqual(world.addresses.find((each) => each.channel.id === 1).separated_at, null);
    await page.getByRole("button", { name: /^Separate/ }).waitFor({ state: "detached" });
  });

  await scene("what needs attention is counted until it was seen", {}, async ({ page, world, base }) => {
    addChannels(world);
    await page.goto(`${base}/`);
    const badge = page.getByRole("button", { name: /need attention|needs attention/ });
    await badge.click();
    await page.getByRole("link", { name: /SMS of the shops.*Failing/ }).waitFor();
    await page.getByRole("button", { name: "I have seen these" }).click();
    await badge.waitFor({ state: "detached" });
    await page.reload();
    await rows(page).first().waitFor();
    await settle(page);
    assert.equal(await badge.count(), 0);
    world.channels[0].stats.dead = 2;
    await page.goto(`${base}/settings/channels`);
    await page.getByRole("button", { name: "1 thing needs attention" }).click();
    await page.getByRole("link", { name: /2 calls were given up/ }).click();
    await page.waitForURL(/channels\/1\/outbound\?state=dead/);
  });
}
