import { describe, expect, it } from "vitest";
import {
  addonInput,
  addonOf,
  addonValues,
  eventGroups,
  formName,
  newAddon,
} from "../src/addons/addon-form.ts";
import { ApiError } from "../src/api/error.ts";
import type { Dialect, Endpoint } from "../src/api/types.ts";

const NAMES = [
  "chat_session.start",
  "chat_session.end",
  "conversation.ended",
  "operator.online",
  "um_widget.config",
];
const DIALECT: Dialect = {
  name: "userlike",
  title: "API add-on",
  version: "1",
  versions: ["2014", "1"],
  success: "200 only",
  events: NAMES.map((name) => ({ name, title: name, description: "" })),
};

function endpoint(fields: Partial<Endpoint>): Endpoint {
  return {
    id: 1,
    name: "CRM",
    url: "https://crm.example/",
    dialect: "userlike",
    dialect_version: "1",
    events: [],
    widgets: [3],
    groups: [],
    headers: {},
    state: "active",
    state_reason: "",
    has_secret: true,
    in_flight_limit: 4,
    rate_limit: 9,
    timeout_seconds: 7,
    success: "2xx",
    private_ranges: [],
    policy: { name: "hash", email: "keep", ip: "keep", text: "keep" },
    created_at: "",
    updated_at: "",
    stats: {
      pending: 0,
      dead: 0,
      lag_seconds: 0,
      last_status: null,
      last_attempt_at: null,
      breaker: "closed",
      failing_since: null,
    },
    ...fields,
  };
}

describe("S-083: which endpoint the add-on is", () => {
  it("the one with its name, else the first that speaks the form, else none", () => {
    const first = endpoint({ id: 4 });
    const named = endpoint({ id: 9, name: "API add-on" });
    const other = endpoint({ id: 1, dialect: "standard", name: "API add-on" });
    expect(addonOf([other, named, first])).toEqual({ endpoint: named, others: [first] });
    expect(addonOf([endpoint({ id: 7 }), first])).toMatchObject({ endpoint: first, others: [{ id: 7 }] });
    expect(addonOf([other])).toEqual({ endpoint: null, others: [] });
  });
});

describe("S-097: its events are chosen one by one", () => {
  it("three that are ticked are the three that are sent, in the order of the reference", () => {
    const values = { ...addonValues(null, DIALECT), events: [NAMES[4], NAMES[0], NAMES[2]] as string[] };
    expect(addonInput(values, null, DIALECT).events).toEqual([NAMES[0], NAMES[2], NAMES[4]]);
  });

  it("none is refused: the server would take it for every one", () => {
    const values = { ...addonValues(null, DIALECT), events: [] };
    expect(() => addonInput(values, null, DIALECT)).toThrow(ApiError);
  });

  it("who hears everything goes on doing so, who chose all of today's keeps to them", () => {
    const everything = endpoint({ events: [] });
    expect(addonValues(everything, DIALECT).events).toEqual(NAMES);
    expect(addonInput(addonValues(everything, DIALECT), everything, DIALECT).events).toEqual([]);
    const listed = endpoint({ events: NAMES });
    expect(addonInput(addonValues(listed, DIALECT), listed, DIALECT).events).toEqual(NAMES);
  });
});

describe("saving the add-on", () => {
  it("touches nothing that the page does not show", () => {
    const stored = endpoint({});
    expect(Object.keys(addonInput(addonValues(stored, DIALECT), stored, DIALECT)).sort()).toEqual([
      "dialect_version",
      "events",
      "url",
    ]);
  });

  it("keeps masked values, also beside new ones", () => {
    const stored = endpoint({ headers: { "X-Key": "***" } });
    const values = addonValues(stored, DIALECT);
    const headers = [...values.headers, { name: " X-Two ", value: "2" }, { name: "", value: "lost" }];
    expect(addonInput({ ...values, headers }, stored, DIALECT).headers).toEqual({
      "X-Key": "***",
      "X-Two": "2",
    });
  });

  it("makes a whole endpoint the first time", () => {
    const made = newAddon({ ...addonValues(null, DIALECT), url: " https://crm.example/hook " }, DIALECT);
    expect(made).toMatchObject({
      name: "API add-on",
      dialect: "userlike",
      dialect_version: "1",
      url: "https://crm.example/hook",
      widgets: [],
      success: "dialect",
    });
  });
});

describe("how the add-on is told", () => {
  it("events stand under what they are about", () => {
    expect(eventGroups(DIALECT.events).map(({ title, events }) => [title, events.length])).toEqual([
      ["Sessions", 2],
      ["Conversations", 1],
      ["Operators", 1],
      ["Widgets", 1],
    ]);
    expect(eventGroups([{ name: "new_thing.done", title: "", description: "" }])[0]?.title).toBe("new_thing");
  });

  it("forms have the names of the documents", () => {
    expect([formName("1", "1"), formName("2014", "1")]).toEqual(["userlike", "userlike/2014"]);
  });
});

describe("an event of one form only", () => {
  const dialect: Dialect = {
    name: "userlike",
    title: "",
    version: "1",
    versions: ["2014", "1"],
    success: "",
    events: [
      { name: "a.one", title: "", description: "", versions: null },
      { name: "offline_message.receive", title: "", description: "", versions: ["2014"] },
    ],
  };

  it("is not asked for in the others, which the server would refuse", () => {
    const values = { ...addonValues(null, dialect), url: "https://shop.example/" };
    expect(addonInput(values, null, dialect).events).toEqual(["a.one"]);
    expect(addonInput({ ...values, version: "2014" }, null, dialect).events).toEqual([
      "a.one",
      "offline_message.receive",
    ]);
    expect(() => addonInput({ ...values, events: ["offline_message.receive"] }, null, dialect)).toThrow(
      "Choose at least one",
    );
  });
});
