// An operator's work with files: choosing, dropping, pasting, sending, what goes wrong on the way, voice messages, and
// messages that change after they were sent.

import assert from "node:assert/strict";
import { showcase } from "./mock-media.mjs";
import { addMessage, emit } from "./mock-server.mjs";

const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC",
  "base64",
);
const picture = (name) => ({ name, mimeType: "image/png", buffer: PIXEL });
const text = (name, size = 1000) => ({ name, mimeType: "text/plain", buffer: Buffer.alloc(size, "a") });
const reply = (page) => page.getByRole("textbox", { name: "Reply" });
const choose = (page, ...files) => page.locator("input[type=file]").setInputFiles(files);
const tiles = (page) => page.getByRole("list", { name: "Files of the reply" }).getByRole("listitem");
const send = (page) => page.getByRole("button", { name: "Send", exact: true });
const last = (page) => page.getByRole("log").locator("[data-message-number]").last();
const more = (page, words) => page.locator("li.line", { hasText: words }).locator(".line-more");

async function drop(page, what, ...names) {
  const data = await page.evaluateHandle((all) => {
    const transfer = new DataTransfer();
    for (const name of all) transfer.items.add(new File(["dropped"], name, { type: "text/plain" }));
    return transfer;
  }, names);
  await page.dispatchEvent(".log", what, { dataTransfer: data });
}

export async function fileScenes(scene) {
  await scene(
    "files go as messages of one file each, the text with the first",
    {},
    async ({ page, world, base }) => {
      await page.goto(`${base}/inbox/3`);
      await reply(page).waitFor();
      const before = world.messages.get(3).length;
      await choose(page, picture("one.png"), text("two.txt"), picture("three.png"));
      await tiles(page).nth(2).waitFor();
      await page.getByText("3 messages with a file each").waitFor();
      await reply(page).fill("As promised");
      await reply(page).press("Enter");
      await page.getByRole("log").getByRole("button", { name: "Open the picture three.png" }).waitFor();
      const sent = world.messages
        .get(3)
        .slice(before)
        .filter((m) => m.type === "media");
      assert.deepEqual(
        sent.map((m) => [m.media.name, m.media.kind, m.body]),
        [
          ["one.png", "image", "As promised"],
          ["two.txt", "file", ""],
          ["three.png", "image", ""],
        ],
      );
      assert.equal(await tiles(page).count(), 0);
      assert.equal(await reply(page).inputValue(), "");
      assert.match(await page.locator('[data-conversation="3"] .row-line').textContent(), /three\.png/);
      assert.equal(await page.getByRole("log").getByText("As promised").count(), 1);
    },
  );

  await scene("files are dropped on the thread and pasted", {}, async ({ page, world, base }) => {
    await page.goto(`${base}/inbox/3`);
    await reply(page).waitFor();
    await drop(page, "dragenter", "a.txt");
    await page.getByText("Drop to attach").waitFor();
    await page.getByText("Up to 25 MB each").waitFor();
    await drop(page, "drop", "a.txt", "b.txt");
    await tiles(page).nth(1).waitFor();
    assert.equal(await page.getByText("Drop to attach").count(), 0);
    await reply(page).evaluate((field) => {
      const clipboard = new DataTransfer();
      clipboard.items.add(new File(["x"], "image.png", { type: "image/png" }));
      field.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true }),
      );
    });
    await tiles(page).nth(2).waitFor();
    await page.getByRole("button", { name: "Remove b.txt" }).click();
    await send(page).click();
    await page.getByRole("log").getByText("a.txt").waitFor();
    assert.deepEqual(
      world.uploads.map((each) => each.name),
      ["a.txt", "b.txt", "image.png"],
    );
  });

  await scene("what is too large is said before a byte goes up", {}, async ({ page, world, base }) => {
    world.maxUpload = 5000;
    await page.goto(`${base}/inbox/3`);
    await reply(page).waitFor();
    await choose(page, text("large.txt", 5001), text("small.txt", 5000));
    await page.getByText("is too large: the limit is 4.9 kB").waitFor();
    await tiles(page).getByText("4.9 kB", { exact: true }).waitFor();
    assert.deepEqual(
      world.uploads.map((each) => each.name),
      ["small.txt"],
    );
    assert.equal(await send(page).isDisabled(), true);
    await page.getByRole("button", { name: "Remove large.txt" }).click();
    await send(page).click();
    await page.getByRole("log").getByText("small.txt").waitFor();
  });

  await scene("files of a draft wait for their conversation", {}, async ({ page, base }) => {
    await page.goto(`${base}/inbox/3`);
    await reply(page).waitFor();
    await choose(page, picture("waits.png"));
    await tiles(page).first().waitFor();
    await page.locator('[data-conversation="1"]').click();
    await page.waitForURL(/inbox\/1$/);
    assert.equal(await tiles(page).count(), 0);
    await page.locator('[data-conversation="3"] .row-draft').waitFor();
    await page.locator('[data-conversation="3"]').click();
    await tiles(page).getByText("waits.png").waitFor();
  });

  await scene(
    "an upload that fails is tried again and nothing is lost",
    {},
    async ({ page, world, base }) => {
      world.refuseUploads = 1;
      await page.goto(`${base}/inbox/3`);
      await reply(page).waitFor();
      await choose(page, picture("again.png"));
      await page.getByText("The server is busy.").waitFor();
      await page.getByRole("button", { name: "Try again.png again" }).click();
      await tiles(page).getByText("78 B", { exact: true }).waitFor();
      world.failNext = 1;
      await reply(page).fill("Once only");
      await send(page).click();
      await page.getByRole("log").getByRole("button", { name: "Open the picture again.png" }).waitFor();
      assert.equal(world.messages.get(3).filter((m) => m.body === "Once only").length, 1);
    },
  );

  await scene("a note may have files, too", {}, async ({ page, world, base }) => {
    await page.goto(`${base}/inbox/3`);
    await page.getByRole("radio", { name: "Note" }).click();
    await choose(page, text("report.txt"));
    await page.getByRole("list", { name: "Files of the note" }).getByText("report.txt").waitFor();
    await page.getByRole("button", { name: "Add note" }).click();
    await page.getByRole("log").getByText("report.txt").waitFor();
    const note = world.messages.get(3).at(-1);
    assert.deepEqual([note.note, note.type, note.media.name], [true, "media", "report.txt"]);
  });

  await scene("a voice message is recorded by keyboard", {}, async ({ page, world, base }) => {
    await page.goto(`${base}/inbox/3`);
    await reply(page).waitFor();
    await page.getByRole("button", { name: "Record a voice message" }).press("Enter");
    await page.getByText("Recording", { exact: true }).waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".recorder-level i").length > 20);
    await page.keyboard.press("Space");
    await page.getByText("Paused", { exact: true }).waitFor();
    await page.keyboard.press("Space");
    await page.getByText("Recording", { exact: true }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("log").getByRole("slider", { name: "Position in the voice message" }).waitFor();
    const [{ query, size }] = world.uploads;
    assert.equal(query.voice, "1");
    assert.ok(Number(query.duration_ms) > 1000, `lasts ${query.duration_ms} ms`);
    const peaks = query.peaks.split(",").map(Number);
    assert.ok(peaks.length > 15 && peaks.length <= 64 && peaks.every((peak) => peak >= 0 && peak <= 100));
    assert.ok(size > 500, `has ${size} bytes`);
    await page.getByRole("button", { name: "Record a voice message" }).click();
    await page.getByText("Recording", { exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await reply(page).waitFor();
    assert.equal(world.uploads.length, 1);
    // Whoever looks at another conversation in the middle finds it in the draft.
    await page.getByRole("button", { name: "Record a voice message" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".recorder-level i").length > 20);
    await page.locator('[data-conversation="1"]').click();
    await page.locator('[data-conversation="3"]').click();
    await tiles(page)
      .getByText(/Voice message/)
      .waitFor();
  });

  await scene("why nothing can be recorded is said", {}, async ({ page, base }) => {
    await page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException("no", "NotAllowedError");
      };
    });
    await page.goto(`${base}/inbox/3`);
    await page.getByRole("button", { name: "Record a voice message" }).click();
    await page.getByText("does not let this page use the microphone").waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await reply(page).waitFor();
  });

  await scene("a voice message is heard, sought and hurried", {}, async ({ page, world, base }) => {
    showcase(world, 3, addMessage);
    await page.goto(`${base}/inbox/3`);
    const player = page.getByRole("group", { name: "Voice message" });
    const slider = player.getByRole("slider");
    await slider.scrollIntoViewIfNeeded();
    assert.equal(await slider.getAttribute("aria-valuetext"), "0:00 of 0:09");
    await slider.press("ArrowRight");
    assert.equal(await slider.getAttribute("aria-valuetext"), "0:05 of 0:09");
    await slider.press("Home");
    const { width, height } = await slider.boundingBox();
    await slider.click({ position: { x: width * 0.75, y: height / 2 } });
    assert.match(await slider.getAttribute("aria-valuetext"), /^0:0[67] of 0:09$/);
    await player.getByRole("button", { name: "Speed: 1 times" }).click();
    await player.getByRole("button", { name: "Speed: 1.5 times" }).click();
    await player.getByRole("button", { name: "Play the voice message" }).click();
    await player.getByRole("button", { name: "Pause" }).waitFor();
    assert.equal(await player.locator("audio").evaluate((audio) => audio.playbackRate), 2);
    await page.waitForFunction(() => document.querySelector(".player audio").ended, null, { timeout: 8000 });
    await player.getByRole("button", { name: "Play the voice message" }).waitFor();
  });

  await scene("pictures open large and go by the arrows", {}, async ({ page, world, base }) => {
    showcase(world, 3, addMessage);
    await page.goto(`${base}/inbox/3`);
    const first = page.getByRole("button", { name: "Open the picture broken mug.png" });
    await first.click();
    await page.getByRole("dialog", { name: "Picture: broken mug.png" }).waitFor();
    await page.getByText("1 of 3").waitFor();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("dialog", { name: "Picture: label.png" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await first.evaluate((button) => button === document.activeElement), true);
  });

  await scene("lines do not jump when pictures come", {}, async ({ page, world, base }) => {
    showcase(world, 3, addMessage);
    let release;
    const held = new Promise((resolve) => {
      release = resolve;
    });
    await page.route("**/media/**", async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(`${base}/inbox/3`);
    await page
      .getByRole("button", { name: "Open the picture broken mug.png" })
      .waitFor({ state: "attached" });
    await page.waitForTimeout(300);
    const height = () => page.locator(".log-lines").evaluate((list) => list.scrollHeight);
    const before = await height();
    const loaded = page.locator('.picture[aria-label*="broken"] img');
    await loaded.scrollIntoViewIfNeeded();
    await page.getByRole("button", { name: "Newest" }).waitFor();
    // The film is none, and says so in a card of its own.
    await page.locator("video").evaluate((film) => film.closest("li").remove());
    const without = await height();
    release();
    await page.waitForFunction(
      () => document.querySelector('.picture[aria-label*="broken"] img').naturalWidth > 0,
    );
    assert.ok(before > without);
    assert.equal(await height(), without);
  });

  await scene("addresses that ended are asked for again, once", {}, async ({ page, world, base }) => {
    showcase(world, 3, addMessage);
    world.signature = "old";
    let asked = 0;
    page.on("request", (request) => {
      if (/conversations\/3\/messages/.test(request.url())) asked += 1;
    });
    await page.route("**/api/v1/conversations/3/messages*", async (route) => {
      await route.continue();
      // Only the first answer is signed with what has ended meanwhile.
      setTimeout(() => {
        world.signature = "new";
      }, 150);
    });
    await page.goto(`${base}/inbox/3`);
    await page.getByRole("button", { name: "Open the picture broken mug.png" }).scrollIntoViewIfNeeded();
    await page.waitForFunction(() => {
      const pictures = [...document.querySelectorAll(".picture img")];
      return pictures.length === 3 && pictures.every((img) => img.naturalWidth > 0);
    });
    assert.ok(asked >= 2 && asked <= 5, `${asked} questions`);
  });

  await scene("a file is fetched, fails and is fetched again", {}, async ({ page, world, base }) => {
    showcase(world, 3, addMessage);
    await page.goto(`${base}/inbox/3`);
    await page.getByText("Fetching the file…").waitFor();
    const card = page.locator(".file-card.wrong", { hasText: "the server answered 404" });
    await card.getByRole("button", { name: "Retry" }).click();
    await page.getByRole("button", { name: "Open the picture gone.png" }).waitFor();
  });

  await scene("a message that was not delivered is sent again by hand", {}, async ({ page, world, base }) => {
    showcase(world, 3, addMessage);
    await page.goto(`${base}/inbox/3`);
    await page.getByText("Not delivered: the receiver answered 410 Gone").waitFor();
    assert.equal(await last(page).getAttribute("data-state"), "failed");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.waitForFunction(
      () => [...document.querySelectorAll("[data-message-number]")].at(-1).dataset.state === "sent",
    );
    assert.equal(await page.getByText("Not delivered").count(), 0);
    await page.getByText("Trying again: the receiver answered 503").waitFor({ state: "attached" });
  });

  await scene("an own message is edited where new ones are written", {}, async ({ page, world, base }) => {
    await page.goto(`${base}/inbox/3`);
    await reply(page).fill("The prise is 89");
    await reply(page).press("Enter");
    await page.getByRole("log").getByText("The prise is 89").waitFor();
    await reply(page).press("ArrowUp");
    const editor = page.getByRole("textbox", { name: "Text of the message" });
    assert.equal(await editor.inputValue(), "The prise is 89");
    await editor.press("Escape");
    await reply(page).waitFor();
    // Found by keyboard in the log: the last message has the stop, E edits it.
    await more(page, "The prise is 89").focus();
    await page.keyboard.press("e");
    await editor.fill("REFUSE this");
    await editor.press("Enter");
    await page.getByText("holds a character that cannot be stored").waitFor();
    await editor.fill("The price is 89");
    await editor.press("Enter");
    await page.getByRole("log").getByText("The price is 89").waitFor();
    await last(page)
      .getByText(/^Edited/)
      .waitFor();
    await reply(page).waitFor();
    assert.equal(world.messages.get(3).at(-1).body, "The price is 89");
    assert.match(await page.locator('[data-conversation="3"] .row-line').textContent(), /The price is 89/);
  });

  await scene("a message is deleted from its menu, after a question", {}, async ({ page, world, base }) => {
    showcase(world, 3, addMessage);
    await page.goto(`${base}/inbox/3`);
    await more(page, "A new one leaves today.").focus();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.equal(world.messages.get(3).at(-1).deleted_at, undefined);
    await more(page, "A new one leaves today.").click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await last(page).getByText("Deleted message").waitFor();
    await page.locator('[data-conversation="3"] .row-line', { hasText: "Deleted message" }).waitFor();
    assert.equal(await last(page).locator(".line-more").count(), 0);
  });

  await scene("what a contact wrote can be copied, and nothing else", {}, async ({ page, world, base }) => {
    showcase(world, 3, addMessage);
    await page.goto(`${base}/inbox/3`);
    await more(page, "Is it this one?").click();
    await page.getByRole("menuitem", { name: "Copy the text" }).waitFor();
    assert.equal(await page.getByRole("menuitem").count(), 1);
  });

  await scene("a change by somebody else arrives live", {}, async ({ page, world, base }) => {
    await page.goto(`${base}/inbox/3`);
    await reply(page).waitFor();
    const talk = world.conversations.get(3);
    const words = world.messages.get(3).findLast((m) => m.type === "message");
    const changed = { ...words, body: "Said better.", edited_at: new Date().toISOString() };
    emit(world, "message.updated", { conversation: { ...talk }, message: changed });
    await page.getByRole("log").getByText("Said better.").waitFor();
    emit(world, "message.deleted", {
      conversation: { ...talk },
      message: { ...changed, body: "", deleted_at: new Date().toISOString() },
    });
    await page.getByText("Said better.").first().waitFor({ state: "detached" });
    await page.getByRole("log").getByText("Deleted message").waitFor();
  });
}
