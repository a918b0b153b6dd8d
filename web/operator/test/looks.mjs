// Looks at every state in a real browser: a screenshot, an axe run, the policy's violations and the width of the page.
// Screenshots go to the folder given (default /tmp/parley-looks). `--only TEXT` runs the states whose name holds TEXT.

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { CHROMIUM } from "./chromium.mjs";
import { CHANNEL_STATES } from "./looks-channels.mjs";
import { FILE_STATES } from "./looks-files.mjs";
import { HOOK_STATES } from "./looks-hooks.mjs";
import { MAIL_STATES } from "./looks-mail.mjs";
import { TABLE_STATES } from "./looks-table.mjs";
import { WORK_STATES } from "./looks-work.mjs";
import { broadcast, makeWorld, sampleCalls, startServer } from "./mock-server.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const argument = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? null : process.argv[at + 1];
};
const folder = argument("--to") ?? join(tmpdir(), "parley-looks");
const only = argument("--only");
const widths = (argument("--widths") ?? "320,768,1440").split(",").map(Number);
const themes = (argument("--themes") ?? "light,dark").split(",");
mkdirSync(folder, { recursive: true });

const role = (page, name, options) => page.getByRole(name, options);

/** name, address, what to do before looking; `world` may be changed first. */
const STATES = [
  ["inbox", "/app/"],
  ["inbox-unassigned", "/app/?view=unassigned"],
  ["inbox-ended", "/app/?view=all&status=ended"],
  ["inbox-filtered-none", "/app/", async (page) => page.getByRole("searchbox").first().fill("zzzz")],
  ["thread", "/app/inbox/3"],
  ["thread-long", "/app/inbox/1"],
  ["thread-long-name", "/app/inbox/5"],
  ["thread-rtl", "/app/inbox/4"],
  ["thread-ended", "/app/inbox/6"],
  ["thread-missing", "/app/inbox/99999"],
  [
    "thread-note",
    "/app/inbox/3",
    async (page) => {
      await role(page, "radio", { name: "Note" }).click();
      await role(page, "textbox", { name: "Internal note" }).fill(
        "Ask the warehouse whether the green one is in stock.",
      );
    },
  ],
  [
    "thread-typing-guard",
    "/app/inbox/3",
    async (page, world) => {
      await page.waitForTimeout(200);
      broadcast(world, {
        type: "typing",
        conversation_id: 3,
        by: { type: "contact", id: 3, name: "Mei Tanaka" },
        text: null,
        ttl_seconds: 6,
      });
      broadcast(world, {
        type: "viewing",
        conversation_id: 3,
        operators: [{ id: 2, name: "Ben Ortiz", typing: true }],
      });
      await page.waitForTimeout(200);
    },
  ],
  [
    "thread-failed",
    "/app/inbox/3",
    async (page) => {
      await role(page, "textbox", { name: "Reply" }).fill(
        "This one the server will REFUSE, whatever happens.",
      );
      await role(page, "button", { name: "Send", exact: true }).click();
      await page.getByText("Not sent").waitFor();
    },
  ],
  [
    "thread-ending",
    "/app/inbox/3",
    async (page) => {
      await role(page, "button", { name: "End conversation" }).click();
      await page.getByText("Ending the conversation").first().waitFor();
    },
  ],
  [
    "forward",
    "/app/inbox/3",
    async (page) => {
      await page.waitForTimeout(200);
      await page.keyboard.press("f");
      await page.getByText("Orders and returns").last().waitFor();
    },
  ],
  [
    "command-list",
    "/app/inbox/3",
    async (page) => {
      await role(page, "textbox", { name: "Reply" }).pressSequentially("$");
      await role(page, "option", { name: /^\$forward/ }).waitFor();
    },
  ],
  [
    "command-person",
    "/app/inbox/3",
    async (page) => {
      await role(page, "textbox", { name: "Reply" }).pressSequentially("$forward o");
      await role(page, "option", { name: /Ben Ortiz/ }).waitFor();
    },
  ],
  [
    "command-answer",
    "/app/inbox/3",
    async (page) => {
      const field = role(page, "textbox", { name: "Reply" });
      await field.fill("$help");
      await field.press("Enter");
      await page.locator("[data-answer]").waitFor();
      await field.fill("$api");
      await field.press("Enter");
      await page.locator("[data-answer]").nth(1).waitFor();
    },
  ],
  [
    "command-unknown",
    "/app/inbox/3",
    async (page) => {
      await role(page, "textbox", { name: "Reply" }).fill("$forwrad ben");
      await role(page, "textbox", { name: "Reply" }).press("Enter");
      await role(page, "button", { name: "Send as text" }).waitFor();
    },
  ],
  [
    "command-waits",
    "/app/inbox/3",
    async (page, world) => {
      await page.waitForTimeout(200);
      world.down = true;
      await role(page, "textbox", { name: "Reply" }).fill("$end");
      await role(page, "textbox", { name: "Reply" }).press("Enter");
      await role(page, "button", { name: "Cancel" }).waitFor();
    },
  ],
  [
    "api-missing",
    "/app/inbox/3",
    async (page) => {
      await page.keyboard.press("a");
      await role(page, "link", { name: /Add-ons/ }).waitFor();
    },
    (world) => {
      world.noAddon = true;
    },
  ],
  [
    "tags",
    "/app/inbox/3",
    async (page) => {
      await page.waitForTimeout(200);
      await page.keyboard.press("l");
      await role(page, "option", { name: /vip|invoice/ })
        .first()
        .waitFor();
    },
  ],
  ["thread-outcome", "/app/inbox/6?view=all"],
  ["thread-outcome-thumbs", "/app/inbox/16"],
  [
    "contact-outcome",
    "/app/inbox/6",
    async (page) => {
      if (!(await page.getByRole("button", { name: /^E-mail:|Add e-mail/ }).isVisible())) {
        await role(page, "button", { name: "More actions" }).click();
        await role(page, "menuitem", { name: /contact/ }).click();
      }
      await page.getByText("Outcome").waitFor();
    },
  ],
  ["more-actions", "/app/inbox/3", async (page) => role(page, "button", { name: "More actions" }).click()],
  [
    "palette-commands",
    "/app/inbox/3",
    async (page) => {
      await page.waitForTimeout(300);
      await page.keyboard.press("Control+k");
      await page.getByPlaceholder("Search or type").fill("$");
      await role(page, "menuitem", { name: /^\$forward/ }).waitFor();
    },
  ],
  [
    "contact-edit",
    "/app/inbox/3",
    async (page) => {
      if (!(await page.getByRole("button", { name: /^E-mail:/ }).isVisible())) {
        await role(page, "button", { name: "More actions" }).click();
        await role(page, "menuitem", { name: /contact/ }).click();
      }
      await page.getByRole("button", { name: /^E-mail:/ }).click();
      const field = role(page, "textbox", { name: "E-mail" });
      await field.fill("no address");
      await field.press("Enter");
      await page.getByText("not an e-mail").waitFor();
    },
  ],
  ["availability", "/app/", async (page) => role(page, "button", { name: /^Availability/ }).click()],
  ["account", "/app/", async (page) => role(page, "button", { name: /^Account/ }).click()],
  [
    "palette",
    "/app/inbox/3",
    async (page) => {
      await page.waitForTimeout(300);
      await page.keyboard.press("Control+k");
      await page.getByPlaceholder("Search or type").waitFor();
    },
  ],
  [
    "palette-search",
    "/app/",
    async (page) => {
      await page.waitForTimeout(300);
      await page.keyboard.press("Control+k");
      await page.getByPlaceholder("Search or type").fill("ann");
      await page.waitForTimeout(300);
    },
  ],
  [
    "shortcuts",
    "/app/",
    async (page) => {
      await page.waitForTimeout(300);
      await page.keyboard.press("?");
    },
  ],
  [
    "line-lost",
    "/app/inbox/3",
    async (page, world) => {
      await page.waitForTimeout(300);
      world.down = true;
      for (const line of world.sockets) line.terminate();
      await page.getByText("Connection lost").waitFor();
    },
  ],
  [
    "loading",
    "/app/inbox/3",
    async () => {},
    (world) => {
      world.delay = 4000;
    },
  ],
  [
    "load-failed",
    "/app/inbox/3",
    async (page) => page.getByRole("alert").first().waitFor(),
    (world) => {
      world.messages.clear();
    },
  ],
  ["empty-inbox", "/app/", undefined, undefined, { empty: true }],
  [
    "sign-in",
    "/app/",
    async (page) => {
      await role(page, "textbox", { name: "E-mail" }).fill("ada@example.com");
      await page.getByLabel("Password").fill("wrong");
      await role(page, "button", { name: "Sign in" }).click();
      await page.getByRole("alert").waitFor();
    },
    (world) => {
      world.signedIn = false;
    },
  ],
  [
    "link-used",
    "/app/link#old",
    async (page) => page.getByRole("alert").waitFor(),
    (world) => {
      world.signedIn = false;
    },
  ],
  ["settings-index", "/app/settings"],
  ["widgets", "/app/settings/widgets"],
  ["widget", "/app/settings/widgets/1"],
  [
    "widget-fault",
    "/app/settings/widgets/1",
    async (page) => {
      await role(page, "textbox", { name: "Colour", exact: true }).fill("blue");
      await role(page, "button", { name: "Save" }).click();
      await page.getByText("Write a colour").waitFor();
    },
  ],
  [
    "widget-secret",
    "/app/settings/widgets/1",
    async (page) => {
      await role(page, "button", { name: "Make a secret" }).click();
      await page.getByText("It is not shown again").waitFor();
    },
  ],
  ["operators", "/app/settings/operators"],
  [
    "operator-new-faults",
    "/app/settings/operators/new",
    async (page) => {
      await role(page, "textbox", { name: "E-mail" }).fill("nobody");
      await role(page, "button", { name: "Add operator" }).click();
      await page.getByText("not an e-mail").waitFor();
    },
  ],
  ["operator", "/app/settings/operators/2"],
  ["groups", "/app/settings/groups"],
  ["group", "/app/settings/groups/2"],
  ["endpoints", "/app/settings/endpoints"],
  ["endpoints-empty", "/app/settings/endpoints", undefined, undefined, { empty: true }],
  ["endpoint", "/app/settings/endpoints/2"],
  ["endpoint-gone", "/app/settings/endpoints/3"],
  ["endpoint-stopped", "/app/settings/endpoints/5"],
  [
    "endpoint-chart",
    "/app/settings/endpoints/1",
    async (page) => {
      const chart = page.locator(".chart-panels");
      await chart.scrollIntoViewIfNeeded();
      await page
        .getByRole("heading", { name: "Calls and answers" })
        .evaluate((head) => head.scrollIntoView());
      const box = await chart.boundingBox();
      await page.mouse.move(box.x + box.width * 0.7, box.y + 60);
    },
  ],
  [
    "endpoint-chart-week",
    "/app/settings/endpoints/2?range=7d",
    async (page) => {
      await page.getByText("Show as a table").click();
      await page
        .getByRole("heading", { name: "Calls and answers" })
        .evaluate((head) => head.scrollIntoView());
    },
  ],
  [
    "endpoint-resume",
    "/app/settings/endpoints/4",
    async (page) => {
      await role(page, "button", { name: "Resume…" }).click();
      await page.getByText("Leave them out").waitFor();
    },
  ],
  [
    "endpoint-test",
    "/app/settings/endpoints/2",
    async (page) => {
      await role(page, "button", { name: "Send test…" }).click();
      await role(page, "button", { name: "Send test", exact: true }).click();
      await page.getByText("Not accepted").waitFor();
    },
  ],
  ["endpoint-edit", "/app/settings/endpoints/1/edit"],
  [
    "endpoint-edit-hears",
    "/app/settings/endpoints/1/edit",
    async (page) => page.getByRole("heading", { name: "What it hears" }).evaluate((h) => h.scrollIntoView()),
  ],
  [
    "endpoint-edit-called",
    "/app/settings/endpoints/1/edit",
    async (page) =>
      page.getByRole("heading", { name: "How it is called" }).evaluate((h) => h.scrollIntoView()),
  ],
  [
    "endpoint-edit-privacy",
    "/app/settings/endpoints/1/edit",
    async (page) => {
      await page.getByRole("heading", { name: "Privacy" }).evaluate((h) => h.scrollIntoView());
      await role(page, "radiogroup", { name: "Text and custom data" }).getByText("Hash").click();
    },
  ],
  [
    "endpoint-faults",
    "/app/settings/endpoints/1/edit",
    async (page) => {
      await role(page, "textbox", { name: "Calls at once" }).fill("999");
      await role(page, "textbox", { name: "Calls per second" }).fill("20000");
      await role(page, "textbox", { name: "Ranges" }).fill("10.0.0.0/8\nhome");
      await role(page, "button", { name: "Save" }).click();
      await page.getByText("no network range").waitFor();
    },
  ],
  [
    "endpoint-secret",
    "/app/settings/endpoints/new",
    async (page) => {
      await role(page, "textbox", { name: "Name" }).fill("Shop");
      await role(page, "textbox", { name: "URL" }).fill("https://shop.example/hooks");
      await role(page, "button", { name: "Make endpoint" }).click();
      await page.getByText("It is not shown again").waitFor();
    },
  ],
  ["deliveries", "/app/settings/deliveries"],
  ["deliveries-none", "/app/settings/deliveries?state=dropped&event=operator.online"],
  [
    "deliveries-filtered",
    "/app/settings/deliveries?endpoint=2&event=chat_session.start&from=2020-01-01T00:00:00Z&to=2040-01-01T00:00:00Z&conversation=7",
  ],
  [
    "deliveries-replay",
    "/app/settings/deliveries?endpoint=2&from=2020-01-01T00:00:00Z",
    async (page) => {
      await role(page, "button", { name: "Replay these…" }).click();
      await role(page, "button", { name: /^Replay \d+ calls/ }).waitFor();
    },
  ],
  [
    "deliveries-too-many",
    "/app/settings/deliveries?endpoint=2",
    async (page) => {
      await role(page, "button", { name: "Replay these…" }).click();
      await page.getByText("at most 10,000").waitFor();
    },
    (world) => {
      world.many = 5000;
    },
  ],
  [
    "deliveries-replayed",
    "/app/settings/deliveries?endpoint=4",
    async (page) => {
      await role(page, "button", { name: "Try dead ones again…" }).click();
      await role(page, "button", { name: "Try 1 call again" }).click();
      await page.getByText("waits to be tried again").waitFor();
    },
  ],
  ["delivery", "/app/settings/deliveries/60"],
  [
    "delivery-dead",
    "/app/settings/deliveries/59",
    async (page) => page.locator("details summary").first().click(),
  ],
  ["delivery-retrying", "/app/settings/deliveries/61"],
  ["tokens", "/app/settings/tokens"],
  [
    "token-new",
    "/app/settings/tokens",
    async (page) => {
      await role(page, "button", { name: "New token" }).click();
      await page.getByRole("textbox", { name: "Name" }).waitFor();
    },
  ],
  ["profile", "/app/settings/profile"],
  ...TABLE_STATES,
  ...FILE_STATES,
  ...CHANNEL_STATES,
  ...MAIL_STATES,
  ...HOOK_STATES,
  ...WORK_STATES,
  ["inspector-empty", "/demo/inspector"],
  ["inspector", "/demo/inspector", async (page) => page.locator(".call").first().waitFor(), sampleCalls],
  [
    "inspector-detail",
    "/demo/inspector",
    async (page) => {
      await page.locator(".call").nth(3).click();
      await page.getByText("Fail", { exact: true }).click();
    },
    sampleCalls,
  ],
];

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
  ],
});
let faults = 0;
const fault = (state, text) => {
  faults += 1;
  console.log(`${state}: ${text}`);
};

for (const [name, address, act, prepare, options] of STATES) {
  if (only && !name.includes(only)) continue;
  for (const theme of themes) {
    for (const width of widths) {
      const label = `${name}-${width}-${theme}`;
      const world = makeWorld(options);
      prepare?.(world);
      const { server, port } = await startServer(world);
      const context = await browser.newContext({
        viewport: { width, height: width < 700 ? 640 : 860 },
        colorScheme: theme,
        reducedMotion: "reduce",
      });
      const page = await context.newPage();
      page.setDefaultTimeout(8000);
      page.on("console", (message) => {
        if (message.type() !== "error") return;
        if (/Failed to load resource|WebSocket connection/.test(message.text())) return;
        fault(label, `console: ${message.text().slice(0, 300)}`);
      });
      page.on("pageerror", (error) => fault(label, `error: ${error.message}`));
      await page.addInitScript(() => {
        window.violations = [];
        document.addEventListener("securitypolicyviolation", (event) =>
          window.violations.push(
            `${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`,
          ),
        );
      });
      try {
        await page.goto(`http://127.0.0.1:${port}${address}`);
        await page.waitForTimeout(name === "loading" ? 4600 : 200);
        await page.locator("h1").first().waitFor({ state: "attached" });
        if (!/loading|load-failed/.test(name)) {
          await page.waitForFunction(
            () => !document.querySelector(".skeleton") && document.querySelector("h1"),
          );
        }
        await page.waitForTimeout(150);
        await act?.(page, world);
        await page.waitForTimeout(150);
        await page.screenshot({ path: join(folder, `${label}.png`) });
        const measure = await page.evaluate(() => ({
          violations: window.violations,
          wide: Math.max(
            document.documentElement.scrollWidth - window.innerWidth,
            ...[
              ...document.querySelectorAll(
                ".all, .visitors, .transcript, .settings-main, .list-scroll, .log, .contact-pane, .sheet, .detail, .calls",
              ),
            ].map((box) => box.scrollWidth - box.clientWidth),
          ),
        }));
        for (const violation of measure.violations) fault(label, `policy: ${violation}`);
        if (measure.wide > 0) fault(label, `page is ${measure.wide} px too wide`);
        // The policy forbids foreign scripts; the check itself goes in through the debugger, not through the page.
        const source = await import("node:fs").then((fs) => fs.readFileSync(axe, "utf8"));
        await page.evaluate(source);
        const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        for (const violation of result.violations) {
          fault(
            label,
            `axe ${violation.id} (${violation.impact}): ${violation.nodes
              .slice(0, 3)
              .map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`)
              .join(" | ")}`,
          );
        }
      } catch (error) {
        fault(label, `broke: ${String(error.message).split("\n")[0]}`);
        await page.screenshot({ path: join(folder, `${label}.png`) }).catch(() => {});
      }
      await context.close();
      server.closeAllConnections();
      server.close();
    }
  }
}
await browser.close();
console.log(faults === 0 ? "nothing found" : `${faults} found`);
process.exit(faults === 0 ? 0 : 1);
