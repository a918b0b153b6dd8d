// States of messages with files, for looks.mjs.

import { showcase } from "./mock-media.mjs";
import { addMessage } from "./mock-server.mjs";

const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC",
  "base64",
);
const address = "/app/inbox/3";
const show = (world) => showcase(world, 3, addMessage);
const scroll = (part) => async (page) => {
  await page.getByRole("log").evaluate((log, to) => {
    log.scrollTop = log.scrollHeight * to;
  }, part);
  await page.waitForTimeout(300);
};
const choose = (page) =>
  page.locator("input[type=file]").setInputFiles([
    { name: "shelf.png", mimeType: "image/png", buffer: PIXEL },
    {
      name: "A rather long name of a price list for wholesale customers 2026.pdf",
      mimeType: "application/pdf",
      buffer: Buffer.alloc(3_000_000),
    },
    { name: "second.png", mimeType: "image/png", buffer: PIXEL },
  ]);
const menu = async (page) => {
  await page.locator(".line-more").last().focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
};

export const FILE_STATES = [
  ["files-end", address, async () => {}, show],
  ["files-middle", address, scroll(0.55), show],
  ["files-top", address, scroll(0.28), show],
  [
    "files-tray",
    address,
    async (page) => {
      await choose(page);
      await page.getByText("too large").waitFor();
      await page.getByRole("textbox", { name: "Reply" }).fill("Here are the pictures.");
    },
    (world) => {
      world.maxUpload = 2_500_000;
    },
  ],
  [
    "files-tray-failed",
    address,
    async (page) => {
      await choose(page);
      await page.getByText("The server is busy").waitFor();
    },
    (world) => {
      world.refuseUploads = 1;
    },
  ],
  [
    "files-drop",
    address,
    async (page) => {
      const data = await page.evaluateHandle(() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(["x"], "a.txt"));
        return transfer;
      });
      await page.dispatchEvent(".log", "dragenter", { dataTransfer: data });
      await page.getByText("Up to 25 MB").waitFor();
    },
    show,
  ],
  [
    "files-record",
    address,
    async (page) => {
      await page.getByRole("button", { name: "Record a voice message" }).click();
      await page.waitForFunction(() => document.querySelectorAll(".recorder-level i").length > 20);
    },
    show,
  ],
  [
    "files-lightbox",
    address,
    async (page) => {
      await page.getByRole("button", { name: "Open the picture broken mug.png" }).click();
      await page.getByRole("dialog").waitFor();
      await page.waitForTimeout(200);
    },
    show,
  ],
  ["message-menu", address, menu, show],
  [
    "message-delete",
    address,
    async (page) => {
      await menu(page);
      await page.getByRole("menuitem", { name: "Delete" }).click();
      await page.getByRole("dialog").waitFor();
    },
    show,
  ],
  [
    "message-edit",
    address,
    async (page) => {
      await page.getByRole("textbox", { name: "Reply" }).press("ArrowUp");
      await page.getByRole("textbox", { name: "Text of" }).waitFor();
    },
    show,
  ],
];
