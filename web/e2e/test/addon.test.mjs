// The API add-on as an admin and an operator meet it in the Message Center, against the real server and a real receiver.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { accessible, fits, operator, picture } from "../src/browser.mjs";
import { withStage } from "../src/stage.mjs";

/** Conversations of visitors, as browsers make them; the server takes only so many new ones at once from an address. */
async function conversations(server, widget, count) {
  const post = async (path, body, token) => {
    const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const answer = await fetch(`${server.url}/visitor/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    const text = await answer.text();
    assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  };
  const path = `/widgets/${widget.key}/messages`;
  const { token, conversation } = await post(path, { client_id: randomUUID(), body: "Question 1" });
  const ids = [conversation.id];
  while (ids.length < count) {
    // One visitor after the other would meet the limit for new contacts; one visitor with many conversations does not.
    await server.api("POST", `/conversations/${ids.at(-1)}/end`);
    const next = await post(path, { client_id: randomUUID(), body: `Question ${ids.length + 1}` }, token);
    ids.push(next.conversation.id);
  }
  for (const id of ids.slice(0, -1)) await server.api("POST", `/conversations/${id}/reopen`);
  return ids;
}

const rows = (page) => page.locator("tbody tr[data-conversation]");
const flagged = async (server, ids) => {
  const all = await Promise.all(ids.map((id) => server.api("GET", `/conversations/${id}`)));
  return all.filter((one) => one.flagged).length;
};

test("S-083, S-097: an admin sets up Add-ons > API, an operator sees nothing of it", withStage(
  async ({ server, receiver, browser, link }) => {
    const kim = await operator(browser, link);
    await kim.page.goto(`${server.url}/app/settings/addons/api`);
    await kim.page.getByRole("heading", { name: "API", exact: true }).waitFor();
    await kim.page.getByRole("checkbox").first().waitFor();
    assert.equal(await kim.page.getByRole("checkbox").count(), 16);
    const url = kim.page.getByRole("textbox", { name: "Callback URL" });
    const save = kim.page.getByRole("button", { name: "Save" });
    await url.fill("ftp://shop.example/hook");
    await save.click();
    await kim.page.locator("[aria-invalid=true]").and(url).waitFor();
    await url.fill(receiver.hook("addon"));
    await kim.page.getByRole("button", { name: "None", exact: true }).click();
    for (const name of ["Rating", "Session ended", "Goal"]) await kim.page.getByText(name, { exact: true }).click();
    await save.click();
    await kim.page.getByText("Saved", { exact: true }).waitFor();
    await kim.page.reload();
    await kim.page.getByRole("checkbox").first().waitFor();
    assert.equal(await url.inputValue(), receiver.hook("addon"));
    const { items } = await server.api("GET", "/endpoints");
    assert.deepEqual(items.map((one) => [one.url, one.events]), [
      [receiver.hook("addon"), ["chat_session.end", "chat_session.goal", "chat_session.rating"]],
    ]);
    await accessible(kim.page, "Add-ons > API");
    await picture(kim.page, "addon-api");

    const bea = await operator(browser, await server.verbOnce(
      "operator", "add", "--email", "bea@shop.example", "--first-name", "Bea", "--role", "operator", "--public-url", server.url,
    ));
    await bea.page.goto(`${server.url}/app/settings/addons/api`);
    await bea.page.getByText("For admins").waitFor();
    assert.equal(await bea.page.getByRole("textbox", { name: "Callback URL" }).count(), 0);
    assert.equal(await bea.page.getByRole("link", { name: "API", exact: true }).count(), 0);
    assert.deepEqual(kim.faults, []);
  },
));

test("S-117, S-118, S-120: the action bar and the bulk menu flag conversations, and a click takes it back", withStage(
  async ({ server, receiver, browser, link, widget }) => {
    const ids = await conversations(server, widget, 50);
    const kim = await operator(browser, link);
    await kim.page.goto(`${server.url}/app/inbox/${ids[0]}`);
    const icon = kim.page.getByRole("button", { name: "Send to API" });
    await icon.click();
    await kim.page.locator("button[aria-pressed=true]").and(icon).waitFor();
    assert.equal(await flagged(server, ids), 1);
    await icon.click();
    await kim.page.locator("button[aria-pressed=false]").and(icon).waitFor();
    assert.equal(await flagged(server, ids), 0);

    await kim.page.getByRole("link", { name: "All conversations" }).click();
    await rows(kim.page).nth(49).waitFor();
    await kim.page.getByRole("checkbox", { name: "Choose all that are shown" }).check();
    await kim.page.getByRole("button", { name: "Actions" }).click();
    await kim.page.getByRole("menuitem", { name: "Send to API", exact: true }).click();
    await kim.page.locator(".run-line").getByText("50 flagged, 0 unchanged, 0 failed").waitFor();
    await picture(kim.page, "bulk-flagged");
    await accessible(kim.page, "all conversations after a bulk action");
    await fits(kim.page, "all conversations");
    assert.equal(await flagged(server, ids), 50);

    // Nothing goes out before the status changes; then it is one call, and the flag is used up.
    const sent = async () =>
      (await receiver.calls(0)).map((call) => JSON.parse(call.body)).filter((body) => body._type === "conversation" && body.id === ids[7]).length;
    const before = await sent();
    const calls = (await receiver.calls(0)).length;
    await server.api("POST", `/conversations/${ids[7]}/end`);
    await receiver.calls(calls + 1);
    assert.equal(await sent(), before + 1);
    assert.equal(await flagged(server, ids), 49);
    assert.deepEqual(kim.faults, []);
  },
  { events: ["conversation.ended"] },
));

test("S-121: without an add-on, command and menu say what is missing", withStage(
  async ({ server, browser, link, widget }) => {
    const { items } = await server.api("GET", "/endpoints");
    for (const one of items) await server.api("DELETE", `/endpoints/${one.id}`);
    const [id] = await conversations(server, widget, 1);
    const kim = await operator(browser, link);
    await kim.page.goto(`${server.url}/app/inbox/${id}`);
    await kim.command("$api");
    await kim.page.getByRole("link", { name: /Add-ons . API/ }).first().waitFor();
    await picture(kim.page, "addon-missing");
    await kim.page.getByRole("link", { name: "All conversations" }).click();
    await rows(kim.page).first().getByRole("checkbox").click();
    await kim.page.getByRole("button", { name: "Actions" }).click();
    await kim.page.getByRole("menuitem", { name: "Send to API", exact: true }).click();
    await kim.page.getByRole("link", { name: /Add-ons . API/ }).first().waitFor();
    assert.equal(await flagged(server, [id]), 0);
    assert.deepEqual(kim.faults, []);
  },
));
