// The stage of a test: a server with an admin, a group, a widget and an endpoint, a receiver, a shop and a browser.
import assert from "node:assert/strict";
import { launch, picture, pictures } from "./browser.mjs";
import { Receiver } from "./receiver.mjs";
import { Server } from "./server.mjs";
import { startShop } from "./shop.mjs";

/** The callbacks of the main job, in the order in which they must come. */
export const mainJob = [
  "chat_session.start",
  "chat_session.message_received",
  "chat_session.message_sent",
  "chat_session.end",
  "conversation.ended",
];

/** Every event of the API add-on, in the order of its reference. */
export const allEvents = [
  ...["start", "message_received", "message_sent", "unread", "end"].map((name) => `chat_session.${name}`),
  "conversation.ended",
  ...["forward", "rating", "feedback", "survey", "goal"].map((name) => `chat_session.${name}`),
  ...["online", "offline", "away", "back"].map((name) => `operator.${name}`),
  "um_widget.config",
];

export async function stage(t, { events = mainJob, widget: settings = {} } = {}) {
  // Everything that was started is ended, also when the setting up fails half-way.
  const last = [];
  t.after(async () => {
    for (const end of last.reverse()) await end();
  });

  const server = await Server.make();
  last.push(() => server.remove());
  server.token = await server.verbOnce("token", "create", "--name", "e2e", "--scope", "admin");
  const link = await server.verbOnce(
    "operator", "add", "--email", "kim@shop.example", "--first-name", "Kim", "--last-name", "Noor",
    "--role", "admin", "--public-url", server.url,
  );
  assert.ok(link.startsWith(`${server.url}/app/link#`), `operator add printed ${link}`);
  await server.start();

  const receiver = await Receiver.start();
  last.push(() => receiver.stop());

  const { items: operators } = await server.api("GET", "/operators");
  const group = await server.api("POST", "/groups", { name: "Support", operator_ids: operators.map((one) => one.id) });
  const widget = await server.api("POST", "/widgets", { name: "Shop", group_id: group.id, ...settings });
  const { secret } = await server.api("POST", "/endpoints", {
    name: "Receiver",
    url: receiver.hook("main"),
    dialect: "userlike",
    events,
  });
  await receiver.control({ secrets: { main: secret } });

  const shop = await startShop(server.url, widget.snippet);
  last.push(() => shop.stop());
  const browser = await launch();
  last.push(() => browser.close());
  return { server, receiver, shop, browser, link, widget, group };
}

/** Runs a test's body and, when it fails, shows what the server said last and keeps a picture of every page. */
export function withStage(body, options) {
  return async (t) => {
    const set = await stage(t, options);
    try {
      await body(set, t);
    } catch (cause) {
      const pages = set.browser.contexts().flatMap((context) => context.pages());
      for (const [i, page] of pages.entries()) {
        await picture(page, `failed-${t.name.replace(/[^a-z0-9]+/gi, "-")}-${i + 1}`).catch(() => {});
      }
      console.error(`The server said last:\n${set.server.output.trimEnd().split("\n").slice(-25).join("\n")}`);
      console.error(`Pictures of the pages: ${pictures}`);
      throw cause;
    }
  };
}
