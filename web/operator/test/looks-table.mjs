// The states of the table of all conversations, of Add-ons > API and of what a widget asks its visitors, to be looked at.

const role = (page, name, options) => page.getByRole(name, options);
const choose = (page, name) => role(page, "checkbox", { name, exact: true }).first().check();

async function action(page, name) {
  await role(page, "button", { name: "Actions" }).click();
  await role(page, "menuitem", { name, exact: true }).click();
}

export const TABLE_STATES = [
  ["all", "/app/conversations"],
  ["all-empty", "/app/conversations", undefined, undefined, { empty: true }],
  [
    "all-filtered",
    "/app/conversations?q=e&status=open&status=pending&tag=vip&tag=invoice&operator=2&from=2020-01-01T00:00:00Z",
  ],
  ["all-none", "/app/conversations?q=zzzz&rating=5"],
  [
    "all-filter-menu",
    "/app/conversations",
    async (page) => {
      await role(page, "button", { name: "Rating" }).click();
      await role(page, "menuitemcheckbox", { name: "4 of 5" }).click();
    },
  ],
  [
    "all-between",
    "/app/conversations?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
    async (page) => {
      await role(page, "button", { name: /^Begun/ }).click();
      await role(page, "menuitemradio", { name: "From … to …" }).click();
    },
  ],
  [
    "all-chosen",
    "/app/conversations",
    async (page) => {
      await choose(page, "Choose all that are shown");
      await role(page, "button", { name: /^Choose all 120 matching/ }).waitFor();
    },
    undefined,
    { conversations: 120 },
  ],
  [
    "all-actions",
    "/app/conversations",
    async (page) => {
      await choose(page, "Choose Ann Berg");
      await role(page, "button", { name: "Actions" }).click();
    },
  ],
  [
    "all-tagging",
    "/app/conversations",
    async (page) => {
      await choose(page, "Choose Ann Berg");
      await action(page, "Tag…");
      await role(page, "textbox", { name: "Tags" }).fill("to be called");
      await page.keyboard.press("Enter");
      await role(page, "button", { name: /^vip/ }).click();
    },
  ],
  [
    "all-forwarding",
    "/app/conversations",
    async (page) => {
      await choose(page, "Choose Ann Berg");
      await action(page, "Forward…");
    },
  ],
  [
    "all-ending",
    "/app/conversations",
    async (page) => {
      await choose(page, "Choose all that are shown");
      await action(page, "End…");
    },
  ],
  [
    "all-running",
    "/app/conversations",
    async (page, world) => {
      await choose(page, "Choose all that are shown");
      world.delay = 600;
      await action(page, "Send to API");
      await page.getByText("Flagging 20 of 50").waitFor();
    },
    undefined,
    { conversations: 120 },
  ],
  [
    "all-done",
    "/app/conversations",
    async (page) => {
      await choose(page, "Choose all that are shown");
      await action(page, "Send to API");
      await page.locator(".run-line", { hasText: /flagged, \d+ unchanged, 0 failed/ }).waitFor();
    },
  ],
  [
    "all-failed",
    "/app/conversations",
    async (page) => {
      await choose(page, "Choose all that are shown");
      await action(page, "Assign…");
      await role(page, "menuitem", { name: /Ben Ortiz/ }).click();
      await page.locator(".run-line", { hasText: /assigned, \d+ unchanged, [1-9]\d* failed/ }).waitFor();
      await page.getByText("What failed and why").click();
    },
  ],
  [
    "all-addon-missing",
    "/app/conversations",
    async (page) => {
      await choose(page, "Choose all that are shown");
      await action(page, "Send to API");
      await role(page, "link", { name: /API/ }).waitFor();
    },
    (world) => {
      world.addon = false;
    },
  ],
  [
    "all-load-failed",
    "/app/conversations",
    async (page) => page.getByRole("alert").first().waitFor(),
    (world) => {
      world.tableBroken = true;
    },
  ],
  ["addon", "/app/settings/addons/api"],
  [
    "addon-new",
    "/app/settings/addons/api",
    undefined,
    (world) => {
      world.endpoints = world.endpoints.filter((each) => each.dialect !== "userlike");
    },
  ],
  [
    "addon-events",
    "/app/settings/addons/api",
    async (page) => {
      await role(page, "button", { name: "None", exact: true }).click();
      await role(page, "button", { name: "Save" }).click();
      await page.getByText("Choose at least one").waitFor();
      await page.getByRole("heading", { name: "Events" }).evaluate((head) => head.scrollIntoView());
    },
    (world) => {
      world.endpoints.push({ ...world.endpoints[0], id: 6, name: "API add-on" });
    },
  ],
  [
    "addon-test",
    "/app/settings/addons/api",
    async (page) => {
      await role(page, "button", { name: "Send test…" }).click();
      await role(page, "button", { name: "Send test", exact: true }).click();
      await page.getByText("Accepted").waitFor();
    },
  ],
  [
    "addon-operator",
    "/app/settings/addons/api",
    undefined,
    (world) => {
      world.operators[0].role = "operator";
    },
  ],
  [
    "widget-asks",
    "/app/settings/widgets/1",
    async (page) => page.getByRole("heading", { name: "After a chat" }).evaluate((h) => h.scrollIntoView()),
  ],
  [
    "widget-goals",
    "/app/settings/widgets/1",
    async (page) => page.getByRole("heading", { name: "Goals" }).evaluate((h) => h.scrollIntoView()),
  ],
  [
    "widget-asks-faults",
    "/app/settings/widgets/1",
    async (page) => {
      await role(page, "textbox", { name: "Question" }).fill("");
      await role(page, "textbox", { name: "Answer 2" }).fill("");
      await role(page, "button", { name: "Add goal" }).click();
      await role(page, "textbox", { name: "Goal 3", exact: true }).fill("Signed up");
      await role(page, "button", { name: "Save" }).click();
      await page.getByText("Write the question").waitFor();
      await page.getByRole("heading", { name: "After a chat" }).evaluate((h) => h.scrollIntoView());
    },
  ],
];
