// A custom channel and files, as an admin, an operator, a visitor and a program at the other side meet them: real server, real
// receiver, real browsers.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { accessible, fits, operator, picture, visitor } from "../src/browser.mjs";
import { withStage } from "../src/stage.mjs";

/** The receiver hears what the channel sends, and nothing of the conversations themselves. */
const quiet = { events: ["um_widget.config"] };

/** A picture in one colour, as a PNG. */
function png(width, height) {
  const table = Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    let crc = 0xffffffff;
    for (const byte of body) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE((crc ^ 0xffffffff) >>> 0, body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, Buffer.from([40, 120, 200]))]);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(Buffer.concat(Array(height).fill(line)))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const post = async (url, token, body) => {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "api-security-token": token },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text);
};

/** A channel as the API makes it. */
const channel = (server, receiver, widget, more = {}) =>
  server.api("POST", "/channels", {
    type: "custom",
    name: "Letters",
    widget_id: widget.id,
    settings: { outbound_url: receiver.hook("letters"), version: "1" },
    secrets: { inbound_token: "inbound-token-of-the-test" },
    ...more,
  });

test("S-046, S-058, S-060, S-065, S-081: a channel is made in the wizard and carries a conversation", withStage(
  async ({ server, receiver, browser, link, widget }) => {
    const kim = await operator(browser, link);
    await kim.page.goto(`${server.url}/app/settings/channels`);
    await kim.page.getByRole("link", { name: "New channel" }).first().click();
    await kim.page.getByRole("textbox", { name: "Channel name" }).fill("Letters");
    const url = kim.page.getByRole("textbox", { name: "Outbound URL" });
    await url.fill("ftp://letters.example/");
    await kim.page.getByRole("button", { name: /Default Widget/ }).click();
    await kim.page.getByRole("option", { name: widget.name }).click();
    await accessible(kim.page, "the wizard");
    await picture(kim.page, "channel-wizard");
    await kim.page.getByRole("button", { name: "Create channel" }).click();
    await kim.page.locator("[aria-invalid=true]").and(url).waitFor();
    assert.deepEqual((await server.api("GET", "/channels")).items.filter((one) => one.type === "custom"), []);
    await url.fill(receiver.hook("letters"));
    await kim.page.getByRole("button", { name: "Create channel" }).click();
    await kim.page.getByRole("heading", { name: "Letters is live" }).waitFor();
    await accessible(kim.page, "a new channel");
    await picture(kim.page, "channel-ready");
    // What the page says is enough for the other side.
    const example = await kim.page.getByRole("group", { name: "Example" }).textContent();
    const [door] = example.match(/http:\/\/127\.0\.0\.1:\d+\/channels\/[\w-]+/);
    const [, token] = example.match(/API-SECURITY-TOKEN: ([^"'\s\\]+)/);
    await kim.page.goto(`${server.url}/app/settings/channels`);
    await kim.page.getByRole("link", { name: "Letters" }).first().click();
    assert.equal(await kim.page.getByText(token).count(), 0, "the token is shown once");

    await kim.page.goto(`${server.url}/app/inbox`);
    await kim.view("All");
    await post(door, token, { email: "jane@customer.example", name: "Jane Doe", body: "A letter for you" });
    await kim.row("Jane Doe").getByText("Letters", { exact: true }).waitFor();
    await kim.opens("Jane Doe");
    await kim.shows("A letter for you");
    await kim.reply("Thank you for the letter");
    await kim.shows("Thank you for the letter", "sent");
    const [first] = await receiver.calls(1);
    assert.equal(first.name, "letters");
    assert.equal(JSON.parse(first.body).email, "jane@customer.example");
    assert.ok(first.headers["api-security-token"]);

    await receiver.control({ mode: "fail" });
    await kim.reply("Are you there?");
    await kim.page.getByText(/Trying again/).first().waitFor({ state: "attached" });
    await kim.shows("Are you there?", "pending");
    await receiver.control({ mode: "ok" });
    await kim.shows("Are you there?", "sent");
    const calls = await receiver.calls(3);
    assert.equal(new Set(calls.slice(1).map((call) => JSON.parse(call.body).id)).size, 1, "the same message again");
    await accessible(kim.page, "a conversation on a channel");
    await picture(kim.page, "channel-conversation");
    assert.deepEqual(kim.faults, []);
  },
  quiet,
));

test("S-052, S-053, S-073, S-079: files go both ways between the website and the Message Center", withStage(
  async ({ browser, link, shop, server }) => {
    const kim = await operator(browser, link);
    await kim.view("All");
    const jane = await visitor(browser, shop.url);
    await jane.openChat();
    await jane.write("Look at this lamp");
    await jane.shows("Look at this lamp", "sent");
    const [chooser] = await Promise.all([
      jane.page.waitForEvent("filechooser"),
      jane.page.getByRole("button", { name: /^Attach files/ }).click(),
    ]);
    await chooser.setFiles([
      { name: "lamp.png", mimeType: "image/png", buffer: png(400, 300) },
      { name: "bill.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n") },
    ]);
    await jane.page.getByRole("button", { name: "Remove bill.pdf" }).waitFor();
    await jane.page.getByRole("button", { name: "Send", exact: true }).click();
    await jane.page.getByRole("button", { name: "Open picture lamp.png" }).waitFor();
    await kim.opens("bill.pdf");
    await kim.page.getByRole("log").getByRole("button", { name: "Open the picture lamp.png" }).click();
    await kim.page.getByRole("dialog", { name: "Picture: lamp.png" }).waitFor();
    await accessible(kim.page, "a picture in full");
    await kim.page.keyboard.press("Escape");
    await kim.page.locator("input[type=file]").setInputFiles([{ name: "answer.txt", mimeType: "text/plain", buffer: Buffer.from("An answer.") }]);
    await kim.page.getByRole("list", { name: "Files of the reply" }).getByText("answer.txt").waitFor();
    await kim.reply("Here is the answer");
    const answer = jane.page.getByRole("link", { name: /answer\.txt/ });
    await answer.waitFor();
    const file = await fetch(await answer.getAttribute("href"));
    assert.equal(await file.text(), "An answer.");
    assert.match(file.headers.get("content-disposition"), /^attachment/);
    await accessible(jane.page, "the messenger with files");
    await picture(jane.page, "files-widget");
    await accessible(kim.page, "the thread with files");
    await picture(kim.page, "files-thread");
    await kim.page.setViewportSize({ width: 320, height: 640 });
    await fits(kim.page, "the thread with files");
    await picture(kim.page, "files-thread-320");

    // What is taken back is gone at both sides.
    const { items: [conversation] } = await server.api("GET", "/conversations");
    const { items } = await server.api("GET", `/conversations/${conversation.id}/messages`);
    const sent = items.find((one) => one.body === "Here is the answer");
    await server.api("DELETE", `/conversations/${conversation.id}/messages/${sent.id}`);
    await answer.waitFor({ state: "detached" });
    assert.equal(await jane.message("Here is the answer").count(), 0);
    assert.deepEqual([...kim.faults, ...jane.faults], []);
  },
  quiet,
));

test("S-064: a visitor goes on elsewhere, in the same conversation", withStage(
  async ({ server, receiver, browser, link, shop, widget }) => {
    const made = await channel(server, receiver, widget, { widgets: [widget.id] });
    const kim = await operator(browser, link);
    await kim.view("All");
    const jane = await visitor(browser, shop.url);
    await jane.openChat();
    await jane.write("Hello from the website");
    await jane.shows("Hello from the website", "sent");
    await jane.page.getByRole("button", { name: "Continue in Letters" }).click();
    await jane.page.getByLabel("Your e-mail address").fill("jane@customer.example");
    await accessible(jane.page, "continue elsewhere");
    await jane.page.getByRole("button", { name: "Continue there" }).click();
    await jane.page.getByText("This conversation goes on in Letters").waitFor();
    await accessible(jane.page, "the conversation goes on elsewhere");
    await picture(jane.page, "channel-moved");
    await kim.opens("Visitor");
    await kim.reply("Here we are");
    await kim.shows("Here we are", "sent");
    const calls = await receiver.calls(2);
    assert.deepEqual(calls.map((call) => JSON.parse(call.body).email), ["jane@customer.example", "jane@customer.example"]);
    assert.equal(JSON.parse(calls[1].body).body, "Here we are");
    await post(made.channel.inbound_url, "inbound-token-of-the-test", { email: "jane@customer.example", body: "Good to be here" });
    await kim.shows("Good to be here");
    assert.equal(await jane.page.getByText(/Here we are|Good to be here/).count(), 0, "a browser where anybody may have typed the address");
    assert.deepEqual([...kim.faults, ...jane.faults], []);
  },
  quiet,
));
