// Files, voice notes, link cards, changed messages, and the way to another channel. Part of browser.mjs.
import assert from "node:assert/strict";
import { png } from "./sample-files.mjs";

const PICTURE = { name: "photo.png", mimeType: "image/png", buffer: png(600, 400) };
const NOTES = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("some notes") };
const LETTER = { name: "letter.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(90_000, "%") };
const NARROW = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };

const attach = (v) => v.page.getByRole("button", { name: /^Attach files, up to/ });
const tray = (v) => v.page.getByRole("list", { name: "Attached files" });
const loaded = (v, name) =>
  v.page.evaluate(
    (part) => performance.getEntriesByType("resource").some((one) => one.name.includes(`/widget/${part}`)),
    name,
  );
async function choose(v, ...files) {
  const chooser = v.page.waitForEvent("filechooser");
  await attach(v).click();
  await (await chooser).setFiles(files);
}
const uploaded = (v) => v.mock.world.log.filter((one) => one.upload).map((one) => one.upload);
const bodies = (v) => v.mock.world.messages.map((one) => [one.media?.name ?? null, one.body]);
const idle = (v) => v.page.waitForFunction(() => true).then(() => v.page.waitForTimeout(50));
const wide = (v) => v.page.locator(".log").evaluate((box) => box.scrollWidth > box.clientWidth);
async function began(v) {
  await v.open();
  await v.send("hello");
  await v.state("hello", "sent");
  await v.page.waitForTimeout(300);
}

/** As if the system let go files over the messenger. */
const give = (v, event, files) =>
  v.page.evaluate(
    ([kind, list]) => {
      const data = new DataTransfer();
      for (const { name, type, text } of list) data.items.add(new File([text], name, { type }));
      const { shadowRoot: root } = [...document.body.children].find((one) => one.shadowRoot);
      const target = root.querySelector("textarea");
      const make = (type) =>
        type === "paste"
          ? new ClipboardEvent("paste", {
              clipboardData: data,
              bubbles: true,
              cancelable: true,
              composed: true,
            })
          : new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true, composed: true });
      const one = make(kind);
      target.dispatchEvent(one);
      return one.defaultPrevented;
    },
    [event, files],
  );

export function fileTests(test) {
  test("files: chosen, shown, sent in order, the text with the first", {}, async (v) => {
    await v.open();
    assert.equal(await loaded(v, "Files"), false);
    assert.match(await attach(v).getAttribute("title"), /up to 25 MB each/);
    await choose(v, PICTURE, NOTES, LETTER);
    await tray(v).getByText("letter.pdf").waitFor();
    await v.page.getByRole("button", { name: "Remove letter.pdf" }).waitFor();
    await v.page.waitForTimeout(150);
    assert.ok(
      await tray(v)
        .locator("canvas")
        .first()
        .evaluate((one) => one.width > 0),
      "no preview",
    );
    await v.shot("files-tray");
    await v.axe("files, tray");
    // Nothing was stored on the device, and nothing was sent: the visitor has not written yet.
    assert.equal(await v.page.evaluate(() => localStorage.length), 0);
    assert.equal(v.mock.world.messages.length, 0);
    await v.page.getByRole("button", { name: "Remove notes.txt" }).click();
    await v.box.fill("The picture, and the letter");
    await v.page.getByRole("button", { name: "Send", exact: true }).click();
    await v.page.locator('[data-message-number="2"][data-state="sent"]').waitFor();
    assert.deepEqual(bodies(v), [
      ["photo.png", "The picture, and the letter"],
      ["letter.pdf", ""],
    ]);
    assert.equal(await tray(v).count(), 0);
    assert.equal(v.mock.world.contacts.length, 1);
    await v.page.getByRole("button", { name: "Open picture photo.png" }).waitFor();
    await v.page.getByRole("link", { name: /letter\.pdf/ }).waitFor();
    await v.shot("files-sent");
    await v.axe("files, sent");
    await v.page.getByRole("button", { name: "All conversations" }).click();
    await v.page.getByText("You: letter.pdf").waitFor();
  });

  test("files: three at a time, too large told before, an interrupted one tried again", {}, async (v) => {
    await began(v);
    v.mock.world.maxUpload = 100_000;
    await v.page.reload();
    await v.dialog.waitFor();
    v.mock.world.uploadDelay = 250;
    const many = Array.from({ length: 6 }, (_, i) => ({ ...NOTES, name: `note-${i + 1}.txt` }));
    await choose(v, ...many, { ...LETTER, name: "huge.bin", buffer: Buffer.alloc(200_000) });
    await tray(v)
      .getByText(/Too large\. At most 98 kB each/)
      .waitFor();
    await v.page.getByRole("button", { name: "Remove note-6.txt" }).waitFor();
    assert.equal(v.mock.world.mostUploading, 3);
    assert.ok(!uploaded(v).includes("huge.bin"));
    await v.shot("files-many");
    await v.axe("files, many");
    for (let i = 1; i <= 6; i++) await v.page.getByRole("button", { name: `Remove note-${i}.txt` }).click();
    await v.page.getByRole("button", { name: "Remove huge.bin" }).click();
    v.mock.world.uploadDelay = 0;
    v.mock.world.failUploads = 3;
    await choose(v, NOTES);
    await tray(v).getByText("The upload was interrupted").waitFor();
    await v.shot("files-failed");
    await v.axe("files, failed");
    await v.page.getByRole("button", { name: "Try notes.txt again" }).click();
    await v.page.getByRole("button", { name: "Remove notes.txt" }).waitFor();
    v.mock.world.failUploads = 1;
    v.mock.world.failUploadStatus = 422;
    await choose(v, { ...NOTES, name: "bad.exe" });
    await tray(v).getByText("This file could not be taken").waitFor();
    // What cannot be sent stays; the rest goes.
    await v.box.press("Enter");
    await v.page.locator('[data-state="sent"]', { hasText: "notes.txt" }).waitFor();
    assert.equal(await tray(v).getByText("bad.exe").count(), 1);
  });

  test("files: sent while they are still on their way, in order with the words after", {}, async (v) => {
    await began(v);
    v.mock.world.holdUploads = true;
    await choose(v, PICTURE);
    await tray(v).waitFor();
    await v.box.fill("See here");
    await v.box.press("Enter");
    await v.send("and this is after it");
    await v.page.locator(".going").waitFor();
    await v.page.waitForTimeout(100);
    await v.shot("files-going");
    await v.axe("files, going");
    assert.equal(v.mock.world.messages.length, 1);
    v.mock.world.holdUploads = false;
    await v.state("and this is after it", "sent");
    assert.deepEqual(bodies(v).slice(1), [
      ["photo.png", "See here"],
      [null, "and this is after it"],
    ]);
    // Called back while it is on its way.
    v.mock.world.holdUploads = true;
    await choose(v, NOTES);
    await tray(v).waitFor();
    await v.box.press("Enter");
    await v.page.locator(".going").getByRole("button", { name: "Cancel the upload of notes.txt" }).click();
    await v.page.locator(".going").waitFor({ state: "detached" });
    v.mock.world.holdUploads = false;
    await v.page.waitForTimeout(300);
    assert.equal(v.mock.world.messages.length, 3);
  });

  test("files: a lost answer and a failed upload make no second message", {}, async (v) => {
    await began(v);
    v.mock.world.loseAnswers = 2;
    await choose(v, NOTES);
    await v.page.getByRole("button", { name: "Remove notes.txt" }).waitFor();
    await v.box.press("Enter");
    await v.page.locator('[data-state="sent"]', { hasText: "notes.txt" }).waitFor();
    assert.equal(v.mock.world.messages.length, 2);
    v.mock.world.failUploads = 3;
    v.mock.world.uploadDelay = 300;
    await choose(v, { ...NOTES, name: "second.txt" });
    await tray(v).waitFor();
    await v.box.press("Enter");
    await v.page.locator('[data-state="failed"]', { hasText: "second.txt" }).waitFor();
    await v.shot("files-failed-sent");
    await v.axe("files, failed after sending");
    await v.page.getByRole("button", { name: /Tap to retry/ }).click();
    await v.page.locator('[data-state="sent"]', { hasText: "second.txt" }).waitFor();
    assert.equal(v.mock.world.messages.length, 3);
  });

  test("files: what is uploaded and not sent is offered again after a reload", {}, async (v) => {
    await began(v);
    await choose(v, PICTURE);
    await v.page.getByRole("button", { name: "Remove photo.png" }).waitFor();
    await v.page.reload();
    await tray(v).getByText("photo.png").waitFor();
    await v.box.press("Enter");
    await v.page.getByRole("button", { name: "Open picture photo.png" }).waitFor();
    assert.deepEqual(uploaded(v), ["photo.png"]);
    await v.page.reload();
    await v.page.getByRole("button", { name: "Open picture photo.png" }).waitFor();
    assert.equal(await tray(v).count(), 0);
  });

  test("files: words whose file is lost with the page are a draft again", {}, async (v) => {
    await began(v);
    v.mock.world.uploadDelay = 5000;
    v.page.on("dialog", (dialog) => dialog.accept().catch(() => undefined));
    await choose(v, PICTURE);
    await tray(v).waitFor();
    await v.box.fill("the words of it");
    await v.box.press("Enter");
    await v.page.locator(".going").waitFor();
    await v.page.reload();
    await v.box.waitFor();
    await v.page.waitForTimeout(300);
    assert.equal(await v.box.inputValue(), "the words of it");
    assert.equal(v.mock.world.messages.length, 1);
  });

  test("files: dropped and pasted", {}, async (v) => {
    await v.open();
    const text = { name: "dropped.txt", type: "text/plain", text: "x" };
    // The first one loads what the second finds; browsers tell several times a second.
    assert.equal(await give(v, "dragover", [text]), true);
    await v.page.locator(".above").waitFor({ state: "attached" });
    await v.page.waitForTimeout(100);
    await give(v, "dragover", [text]);
    await v.page.locator("[data-drop]").waitFor();
    await v.shot("files-drop");
    await v.page.locator("[data-drop]").waitFor({ state: "detached" });
    assert.equal(await give(v, "drop", [text]), true);
    await tray(v).getByText("dropped.txt").waitFor();
    assert.equal(await give(v, "paste", [{ name: "pasted.txt", type: "text/plain", text: "y" }]), true);
    await tray(v).getByText("pasted.txt").waitFor();
    assert.equal(await tray(v).getByRole("listitem").count(), 2);
    await v.page.getByRole("button", { name: "Remove dropped.txt" }).focus();
    await v.page.keyboard.press("Enter");
    const focused = () =>
      v.page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.getAttribute("aria-label"));
    assert.equal(await focused(), "Remove pasted.txt");
    await v.page.keyboard.press("Enter");
    assert.equal(await focused(), "Write a message");
  });

  test("files: a widget without them has no buttons and leaves what is dropped alone", {
    world: { maxUpload: 0 },
  }, async (v) => {
    await v.open();
    assert.equal(await attach(v).count(), 0);
    assert.equal(await v.page.getByRole("button", { name: "Record a voice message" }).count(), 0);
    assert.equal(await give(v, "drop", [{ name: "a.txt", type: "text/plain", text: "x" }]), true);
    await v.page.waitForTimeout(200);
    assert.equal(await loaded(v, "Files"), false);
  });

  test("voice: recorded by keyboard, sent, played; discarded with Escape", {}, async (v) => {
    await began(v);
    await v.page.getByRole("button", { name: "Record a voice message" }).focus();
    await v.page.keyboard.press("Enter");
    await v.page.getByRole("group", { name: "Voice message" }).waitFor();
    await v.page.waitForTimeout(1500);
    await v.shot("voice-recording");
    await v.axe("voice, recording");
    const focused = () =>
      v.page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.getAttribute("aria-label"));
    assert.equal(await focused(), "Send the voice message");
    await v.page.keyboard.press("Enter");
    await v.page.locator('[data-message-number="2"][data-state="sent"]').waitFor();
    assert.equal(await focused(), "Write a message");
    const { media } = v.mock.world.messages[1];
    assert.equal(media.kind, "voice");
    assert.match(media.content_type, /^audio\/webm/);
    assert.ok(media.duration_ms > 1000 && media.duration_ms < 9000, String(media.duration_ms));
    assert.ok(media.peaks.length > 5 && media.peaks.every((one) => one >= 0 && one <= 100));
    assert.match(media.name, /^voice-.*\.webm$/);
    const player = v.page.getByRole("group", { name: /^Voice message 0:0/ });
    await player.getByRole("button", { name: "Play" }).click();
    await player.getByRole("button", { name: "Pause" }).waitFor();
    await player.getByRole("button", { name: "Speed 1×" }).click();
    await player.getByRole("button", { name: "Speed 1.5×" }).waitFor();
    await v.shot("voice-sent");
    await v.axe("voice, sent");
    await v.page.getByRole("button", { name: "Record a voice message" }).click();
    await v.page.getByRole("group", { name: "Voice message", exact: true }).waitFor();
    await v.page.waitForTimeout(600);
    await v.page.keyboard.press("Escape");
    await v.page.getByRole("group", { name: "Voice message", exact: true }).waitFor({ state: "detached" });
    assert.ok(await v.dialog.isVisible());
    assert.equal(await focused(), "Write a message");
    assert.equal(v.mock.world.messages.length, 2);
  });

  test("voice: closing the messenger keeps what was said, attached", {}, async (v) => {
    await began(v);
    await v.page.getByRole("button", { name: "Record a voice message" }).click();
    await v.page.getByRole("group", { name: "Voice message" }).waitFor();
    await v.page.waitForTimeout(900);
    await v.page.getByRole("button", { name: "Close chat" }).click();
    await v.open();
    await tray(v)
      .getByText(/Voice message 0:0/)
      .waitFor();
  });

  test("voice: no microphone is told in words", {}, async (v) => {
    await v.open();
    for (const [name, words] of [
      ["NotAllowedError", /microphone is blocked/],
      ["NotFoundError", /No microphone was found/],
    ]) {
      await v.page.evaluate((fault) => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", fault));
      }, name);
      await v.page.getByRole("button", { name: "Record a voice message" }).click();
      await v.page.getByRole("alert").filter({ hasText: words }).waitFor();
    }
    await v.shot("voice-refused");
    await v.axe("voice, refused");
    await v.page.getByRole("button", { name: "Close the hint" }).click();
    assert.equal(await v.page.getByText(/No microphone was found/).count(), 0);
  });

  const CARD = {
    url: "https://garden.example/benches/long-one",
    title: "Bench “Long one”, oiled oak, with a back that follows yours",
    description: "Seats four. Made in the Black Forest of wood that grew there, delivered in two weeks.",
    site: "garden.example",
  };
  async function everything(v) {
    await began(v);
    v.mock.lever({ do: "file", kind: "image", body: "Our garden" });
    v.mock.lever({
      do: "file",
      kind: "voice",
      media: { duration_ms: 4000, peaks: [5, 30, 80, 60, 20, 90, 100, 70, 40, 10, 60, 50] },
    });
    v.mock.lever({ do: "file", kind: "pdf" });
    v.mock.lever({ do: "file", kind: "file" });
    v.mock.lever({
      do: "file",
      kind: "image",
      media: { state: "fetching", url: null, thumb_url: null, name: "coming.jpg" },
    });
    v.mock.lever({
      do: "file",
      kind: "pdf",
      media: { state: "failed", url: null, name: "lost.pdf", error: "404" },
    });
    v.mock.lever({ do: "reply", body: `Look: ${CARD.url}` });
    v.mock.lever({ do: "reply", body: "To be deleted" });
    v.mock.lever({ do: "reply", body: "Before" });
    await v.bubble("Before").waitFor();
    v.mock.lever({ do: "change", number: 8, card: CARD });
    v.mock.lever({
      do: "change",
      number: 9,
      patch: { body: "", deleted_at: "2026-11-22T10:00:00.000000Z" },
    });
    v.mock.lever({
      do: "change",
      number: 10,
      patch: { body: "After", edited_at: "2026-11-22T10:00:00.000000Z" },
    });
    await v.page.getByText("Edited").waitFor();
  }

  test("rich messages: shown, changed in place, read aloud as words", {}, async (v) => {
    const heard = [];
    await v.page.evaluate(() => {
      window.got = 0;
      window.parley.on("messageReceived", () => window.got++);
    });
    await everything(v);
    heard.push(await v.page.evaluate(() => window.got));
    assert.equal(heard[0], 9);
    await v.page.getByText("This message was deleted").waitFor();
    assert.equal(await v.bubble("Before").count(), 0);
    await v.bubble("After").waitFor();
    await v.page.getByText("The file is being fetched …").waitFor();
    await v.page.getByText("The file could not be loaded").waitFor();
    const card = v.page.getByRole("link", { name: /Bench/ });
    assert.equal(await card.getAttribute("rel"), "noopener noreferrer nofollow");
    // A file that was being fetched arrives.
    v.mock.lever({ do: "file", kind: "image" });
    const { media } = v.mock.world.messages.at(-1);
    v.mock.lever({ do: "change", number: 6, patch: { media } });
    await v.page.getByText("The file is being fetched …").waitFor({ state: "detached" });
    await v.page.locator('[data-message-number="6"] img').waitFor();
    // The last one is deleted: the list says so, too.
    v.mock.lever({
      do: "change",
      number: 11,
      patch: { media: null, deleted_at: "2026-11-22T10:00:00.000000Z" },
    });
    await v.page.getByRole("button", { name: "All conversations" }).click();
    await v.page.locator(".what", { hasText: "This message was deleted" }).waitFor();
    await v.page.reload();
    await v.page.getByText("Edited").waitFor();
    await v.axe("rich");
  });

  test("rich messages: a picture opens, Escape closes it and the focus is back", {}, async (v) => {
    await began(v);
    v.mock.lever({ do: "file", kind: "image" });
    const picture = v.page.getByRole("button", { name: "Open picture garden.png" });
    await picture.focus();
    await v.page.keyboard.press("Enter");
    const viewer = v.page.getByRole("dialog", { name: "garden.png" });
    await viewer.waitFor();
    await v.page.waitForTimeout(100);
    await v.shot("viewer");
    await v.axe("viewer");
    await v.page.keyboard.press("Escape");
    await viewer.waitFor({ state: "detached" });
    assert.ok(await v.page.getByRole("dialog", { name: "Demo shop" }).isVisible());
    const focused = await v.page.evaluate(() =>
      document.activeElement.shadowRoot?.activeElement?.getAttribute("aria-label"),
    );
    assert.equal(focused, "Open picture garden.png");
  });

  test("rich messages: what the page's policy or the server keeps back is a card", {}, async (v) => {
    await began(v);
    v.mock.lever({
      do: "file",
      kind: "image",
      media: { url: `${v.mock.base}/media/gone/a.png`, thumb_url: `${v.mock.base}/media/gone/a.png?v=thumb` },
    });
    v.mock.lever({ do: "file", kind: "video" });
    await v.page.getByText("The file could not be loaded").nth(1).waitFor();
    assert.equal(await v.page.getByRole("link", { name: /garden\.png/ }).count(), 1);
  });

  test("rich messages: a picture without a small one is loaded by those who open it", {}, async (v) => {
    await began(v);
    const asked = [];
    v.page.on("request", (request) => asked.push(request.url()));
    v.mock.lever({ do: "file", kind: "image", media: { thumb_url: null } });
    await v.page.getByRole("link", { name: /garden\.png/ }).waitFor();
    v.mock.lever({ do: "reply", body: "that is all" });
    await v.bubble("that is all").waitFor();
    assert.equal(await v.page.locator(".log img").count(), 0);
    assert.deepEqual(
      asked.filter((url) => url.includes("/media/")),
      [],
    );
  });

  test("rich messages: addresses that could run something are no addresses", {}, async (v) => {
    await began(v);
    v.mock.lever({ do: "file", kind: "pdf", media: { url: "javascript:alert(1)" } });
    v.mock.lever({ do: "reply", body: "a link" });
    await v.bubble("a link").waitFor();
    v.mock.lever({
      do: "change",
      number: 3,
      patch: { link: { ...CARD, url: "javascript:alert(1)", image_url: null } },
    });
    await v.page.waitForTimeout(300);
    assert.equal(await v.page.locator(".log a").count(), 0);
  });

  for (const [scheme, width] of [
    ["light", 320],
    ["dark", 320],
    ["light", 400],
    ["dark", 400],
  ]) {
    test(`looks: files, ${scheme} ${width}`, {
      widget: { theme: scheme },
      context: { ...NARROW, viewport: { width, height: 700 } },
    }, async (v) => {
      await everything(v);
      await choose(v, PICTURE, LETTER);
      await v.page.getByRole("button", { name: "Remove letter.pdf" }).waitFor();
      await v.box.fill("Two more for you, with a line of text that is a little longer");
      await idle(v);
      assert.equal(await wide(v), false);
      await v.shot(`files-${scheme}-${width}-tray`);
      await v.axe(`files ${scheme} ${width}`);
      await v.box.press("Enter");
      await v.page.getByRole("link", { name: /letter\.pdf/ }).waitFor();
      await v.shot(`files-${scheme}-${width}-end`);
      await v.page.locator(".log").evaluate((box) => box.scrollTo(0, 0));
      await v.shot(`files-${scheme}-${width}-top`);
      await v.page.locator(".log").evaluate((box) => box.scrollTo(0, 560));
      await v.shot(`files-${scheme}-${width}-middle`);
      assert.equal(await wide(v), false);
      await v.page.getByRole("button", { name: "Record a voice message" }).click();
      await v.page.getByRole("group", { name: "Voice message", exact: true }).waitFor();
      await v.page.waitForTimeout(1200);
      await v.shot(`files-${scheme}-${width}-recording`);
      await v.page.getByRole("button", { name: "Discard the voice message" }).click();
      await v.axe(`files ${scheme} ${width}, thread`);
    });
  }
  test("looks: files, right to left, German", {
    path: "/demo/shop?rtl",
    widget: { lang: "de" },
  }, async (v) => {
    await v.page.getByRole("button", { name: "Chat öffnen" }).click();
    const box = v.page.getByRole("textbox", { name: "Nachricht schreiben" });
    await box.fill("مرحبا");
    await box.press("Enter");
    await v.state("مرحبا", "sent");
    await v.page.waitForTimeout(300);
    v.mock.lever({ do: "file", kind: "voice", media: { duration_ms: 4000, peaks: [5, 30, 80, 60, 20, 90] } });
    v.mock.lever({ do: "file", kind: "pdf", body: "فاتورة" });
    const chooser = v.page.waitForEvent("filechooser");
    await v.page.getByRole("button", { name: /^Dateien anhängen, je bis 25 MB/ }).click();
    await (await chooser).setFiles([PICTURE]);
    await v.page.getByRole("button", { name: "photo.png entfernen" }).waitFor();
    await v.shot("files-rtl");
    await v.axe("files, right to left");
  });

  const SMS = { id: 7, name: "SMS", type: "custom" };
  const LETTERS = { id: 8, name: "Letters by pigeon post", type: "custom" };
  for (const [scheme, width] of [
    ["light", 320],
    ["dark", 400],
  ]) {
    test(`another channel: confirmed, then the conversation goes on there, ${scheme} ${width}`, {
      world: { channels: [SMS] },
      widget: { theme: scheme },
      context: { ...NARROW, viewport: { width, height: 700 } },
    }, async (v) => {
      await v.page.evaluate(() => window.parley.setContactInfo({ email: "ann@shop.example" }));
      await began(v);
      assert.equal(await loaded(v, "AskCard"), false);
      await v.page.getByRole("button", { name: "Continue in SMS" }).click();
      const form = v.page.getByRole("form", { name: "Continue this conversation in SMS?" });
      await form.waitFor();
      await v.shot(`move-${scheme}-${width}`);
      await v.axe("move");
      await v.page.keyboard.press("Escape");
      await form.waitFor({ state: "detached" });
      await v.page.getByRole("button", { name: "Continue in SMS" }).click();
      const field = v.page.getByLabel("Your e-mail address");
      assert.equal(await field.inputValue(), "ann@shop.example");
      await field.fill("not an address");
      await v.page.getByRole("button", { name: "Continue there" }).click();
      await v.page.getByText("Please enter a complete e-mail address.").waitFor();
      await v.axe("move, wrong");
      await field.fill("zoe@shop.example");
      await v.page.getByRole("button", { name: "Continue there" }).click();
      await v.page.getByText("This conversation goes on in SMS").waitFor();
      assert.deepEqual(
        v.mock.world.log.filter((one) => one.moved).map((one) => [one.channel_id, one.email]),
        [[7, "zoe@shop.example"]],
      );
      assert.equal(await v.box.count(), 0);
      assert.equal(await v.page.getByRole("button", { name: "Continue in SMS" }).count(), 0);
      await v.shot(`moved-${scheme}-${width}`);
      await v.axe("moved");
      await v.page.reload();
      if (await v.launcher.isVisible()) await v.open();
      await v.page.getByText("This conversation goes on in SMS").waitFor();
      await v.page.getByRole("button", { name: "Start a new conversation" }).click();
      await v.send("another matter");
      await v.state("another matter", "sent");
      assert.equal(v.mock.world.conversations.length, 2);
    });
  }
  test("another channel: several to choose from, and one that is not open any more", {
    world: { channels: [SMS, LETTERS] },
  }, async (v) => {
    await began(v);
    await v.page.getByRole("button", { name: "Continue in SMS / Letters by pigeon post" }).click();
    await v.page.getByRole("radio", { name: "Letters by pigeon post" }).check();
    await v.page.getByText(/We will write to you in Letters by pigeon post/).waitFor();
    await v.shot("move-several");
    await v.axe("move, several");
    v.mock.world.channels = [SMS];
    await v.page.getByLabel("Your e-mail address").fill("zoe@shop.example");
    await v.page.keyboard.press("Enter");
    await v.page.getByText("This way is not open at the moment.").waitFor();
    await v.page.getByRole("button", { name: "Stay here" }).click();
    await v.send("still here");
    await v.state("still here", "sent");
  });
  test("another channel: none listed, no button", {}, async (v) => {
    await began(v);
    assert.equal(await v.page.getByRole("button", { name: /^Continue in/ }).count(), 0);
  });
}
