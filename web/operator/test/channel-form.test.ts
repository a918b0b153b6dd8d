import { describe, expect, it } from "vitest";
import { asApiError } from "../src/api/error.ts";
import type { ChannelSetup, ChannelType, ContactAddress, FieldInfo } from "../src/channels/api.ts";
import {
  type ChannelValues,
  changeOf,
  curlExample,
  masked,
  newInput,
  shownFields,
  valuesOf,
} from "../src/channels/channel-form.ts";
import { knownAddress, startInput } from "../src/channels/start-form.ts";

const field = (fields: Partial<FieldInfo> & Pick<FieldInfo, "name" | "kind">): FieldInfo => ({
  label: fields.name,
  help: "",
  required: false,
  generated: false,
  default: "",
  options: [],
  ...fields,
});

const TYPE: ChannelType = {
  type: "custom",
  label: "Custom channel",
  description: "",
  creatable: true,
  fields: [
    field({ name: "outbound_url", kind: "url", required: true }),
    field({ name: "outbound_token", kind: "secret", generated: true }),
    field({ name: "inbound_token", kind: "secret", generated: true }),
    field({ name: "version", kind: "choice", required: true, default: "1" }),
  ],
};

function filled(fields: Partial<ChannelValues> = {}): ChannelValues {
  const start = valuesOf(null, TYPE, [{ id: 4 }]);
  return {
    ...start,
    name: " Gateway ",
    settings: { ...start.settings, outbound_url: " https://gateway.example/in " },
    ...fields,
  };
}

function faults(run: () => unknown): string[] {
  try {
    run();
  } catch (cause) {
    return [...asApiError(cause).byField().keys()];
  }
  return [];
}

describe("a new channel's form", () => {
  it("begins with what the type says is usual", () => {
    const start = valuesOf(null, TYPE);
    expect(start.settings).toEqual({ outbound_url: "", version: "1" });
    expect(start).toMatchObject({ widget: "", apart: false, receipt: false, typed: [] });
  });

  it("chooses the widget when there is only one", () => {
    expect(valuesOf(null, TYPE, [{ id: 4 }]).widget).toBe("4");
    expect(valuesOf(null, TYPE, [{ id: 4 }, { id: 5 }]).widget).toBe("");
  });

  it("becomes what the API takes, without the tokens that the server makes", () => {
    expect(newInput(filled({ widgets: ["7"], apart: true }), TYPE)).toEqual({
      type: "custom",
      name: "Gateway",
      widget_id: 4,
      widgets: [7],
      settings: { outbound_url: "https://gateway.example/in", version: "1" },
      merge: false,
      auto_reply: false,
      secrets: {},
    });
  });

  it("takes along a token that was typed, and only that", () => {
    const values = filled({
      typed: ["inbound_token"],
      secrets: { inbound_token: " s3cret-token ", outbound_token: "left over" },
    });
    expect(newInput(values, TYPE).secrets).toEqual({ inbound_token: "s3cret-token" });
  });

  it("wants every token typed that the server cannot make", () => {
    const fields = TYPE.fields.map((each) =>
      each.name === "inbound_token" ? { ...each, generated: false } : each,
    );
    expect(valuesOf(null, { ...TYPE, fields }).typed).toEqual(["inbound_token"]);
  });

  it("names every field that is wrong at once", () => {
    const values = filled({ name: " ", widget: "", typed: ["outbound_token"] });
    values.settings.outbound_url = "";
    expect(faults(() => newInput(values, TYPE))).toEqual([
      "name",
      "settings.outbound_url",
      "widget_id",
      "secrets.outbound_token",
    ]);
  });

  it.each(["ftp://gateway.example", "gateway.example", "javascript:alert(1)", "https:///in", "https:// x"])(
    "refuses the address %s",
    (address) => {
      const settings = { outbound_url: address, version: "1" };
      expect(faults(() => newInput(filled({ settings }), TYPE))).toEqual(["settings.outbound_url"]);
    },
  );

  it("counts characters, not bytes, in a name", () => {
    expect(faults(() => newInput(filled({ name: "🛟".repeat(80) }), TYPE))).toEqual([]);
    expect(faults(() => newInput(filled({ name: "a".repeat(81) }), TYPE))).toEqual(["name"]);
  });

  it("shows every fault that the server can have against one of its fields", () => {
    const shown = shownFields(TYPE);
    for (const field of ["name", "widget_id", "widgets", "settings.outbound_url", "secrets.inbound_token"])
      expect(shown).toContain(field);
  });
});

describe("a channel's settings", () => {
  const channel = {
    name: "Gateway",
    widget_id: 4,
    widgets: [7],
    settings: { outbound_url: "https://gateway.example/in", version: "2" },
    merge: false,
    auto_reply: true,
  } as unknown as ChannelSetup;

  it("come back as they are stored", () => {
    expect(changeOf(valuesOf(channel, TYPE), TYPE)).toEqual({
      name: "Gateway",
      widget_id: 4,
      widgets: [7],
      settings: { outbound_url: "https://gateway.example/in", version: "2" },
      merge: false,
      auto_reply: true,
    });
  });

  it("carry no token, whatever is typed", () => {
    const values = { ...valuesOf(channel, TYPE), typed: ["inbound_token"], secrets: { inbound_token: "x" } };
    expect(changeOf(values, TYPE)).not.toHaveProperty("secrets");
  });
});

describe("a token that was stored", () => {
  it("is told by its end only", () => {
    expect(masked({ set: true, hint: "x9Qf" })).toBe("••••••••x9Qf");
    expect(masked({ set: true, hint: "…x9Qf" })).toBe("••••••••x9Qf");
    expect(masked({ set: false, hint: "" })).toBe("None");
    expect(masked(undefined)).toBe("None");
  });
});

describe("the example for a terminal", () => {
  const url = "https://chat.example/channels/abc";

  it("says who writes as the version wants it", () => {
    const first = curlExample({ inbound_url: url, settings: { version: "1" } }, "t");
    expect(first).toContain('"email":"ann@example.com"');
    expect(first).not.toContain("contact_id");
    expect(curlExample({ inbound_url: url, settings: { version: "2" } }, "t")).toContain('"contact_id"');
  });

  it("keeps a shell from reading anything into a token", () => {
    const text = curlExample({ inbound_url: url, settings: {} }, "it's $(rm -rf) `x`");
    expect(text).toContain(`'API-SECURITY-TOKEN: it'\\''s $(rm -rf) \`x\`'`);
  });
});

describe("with whom a conversation is begun", () => {
  const ann = { id: 9, email: "ann@example.com", display_name: "Ann" };
  const first = { id: 1, settings: { version: "1" } };
  const second = { id: 2, settings: { version: "2" } };
  const address = (fields: Partial<ContactAddress>): ContactAddress => ({
    id: 1,
    channel: { id: 1, name: "Gateway" },
    address: "ann@work.example",
    email: "ann@work.example",
    merged: false,
    created_at: "2026-11-22T10:00:00Z",
    separated_at: null,
    ...fields,
  });
  const values = { channel: "1", address: "ann@example.com", name: "", body: " Hello " };

  it("is offered where the contact is known on the channel, else by e-mail", () => {
    expect(knownAddress(first, ann, [])).toBe("ann@example.com");
    expect(knownAddress(first, ann, [address({})])).toBe("ann@work.example");
    expect(knownAddress(second, ann, [address({})])).toBe("");
    expect(
      knownAddress(second, ann, [address({ channel: { id: 2, name: "SMS" }, address: "id:4512" })]),
    ).toBe("4512");
    expect(knownAddress(first, null, [])).toBe("");
  });

  it("is the contact while the offered address stands, in whatever case", () => {
    const input = startInput({ ...values, address: "Ann@Example.com" }, first, ann, "ann@example.com");
    expect(input).toEqual({ channel_id: 1, contact_id: 9, address: "ann@example.com", body: "Hello" });
  });

  it("is whoever stands behind an address that was typed", () => {
    expect(startInput({ ...values, address: "bo@example.com" }, first, ann, "ann@example.com")).toEqual({
      channel_id: 1,
      email: "bo@example.com",
      body: "Hello",
    });
    expect(startInput({ ...values, address: "4512", name: "Bo" }, second, null, "")).toEqual({
      channel_id: 2,
      address: "4512",
      name: "Bo",
      body: "Hello",
    });
  });

  it("is told by the address where the version is not known, because it is for admins only", () => {
    const unknown = { id: 3, settings: {} };
    expect(knownAddress(unknown, ann, [])).toBe("ann@example.com");
    expect(startInput(values, unknown, null, "")).toMatchObject({ email: "ann@example.com" });
    expect(startInput({ ...values, address: "4512" }, unknown, null, "")).toMatchObject({ address: "4512" });
  });

  it("is needed, and so are a channel and words", () => {
    const nothing = { channel: "", address: " ", name: "", body: "\n" };
    expect(faults(() => startInput(nothing, undefined, null, ""))).toEqual(["channel_id", "address", "body"]);
  });
});
