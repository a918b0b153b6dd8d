import { describe, expect, it } from "vitest";
import type { Endpoint, Widget } from "../src/api/types.ts";
import type { WidgetHooks } from "../src/hooks/api.ts";
import { hooksChange, hookValues, saveHooks, transcriptHook } from "../src/hooks/hook-form.ts";
import { isTold } from "../src/settings/dialects.ts";
import { changeOf, inputOf, valuesOf } from "../src/settings/endpoint-form.ts";

const entry = (hook: string, url: string) => ({
  hook,
  title: hook,
  description: "",
  url,
  endpoint_id: url ? 7 : null,
  state: url ? ("active" as const) : null,
});

const HOOKS: WidgetHooks = {
  hooks: [entry("new_conversation", "https://a.example/"), entry("transcript", ""), entry("feedback", "")],
  real_names: false,
  traits_text: true,
};
const START = hookValues(HOOKS, { transcript_hook: "end" } as Widget);

describe("the form of a widget's webhooks", () => {
  it("holds what is stored", () => {
    expect(START).toEqual({
      urls: { new_conversation: "https://a.example/", transcript: "", feedback: "" },
      transcript: "end",
      real_names: false,
      traits_text: true,
    });
    expect(hookValues(HOOKS, {} as Widget).transcript).toBe("never");
    expect(transcriptHook("never")).toBe("");
    expect(transcriptHook("review")).toBe("review");
  });

  it("sends only what was changed", () => {
    expect(hooksChange(START, START)).toBeNull();
    expect(hooksChange({ ...START, transcript: "never" }, START)).toBeNull();
    expect(
      hooksChange({ ...START, urls: { ...START.urls, feedback: " https://b.example/ " } }, START),
    ).toEqual({
      urls: { feedback: "https://b.example/" },
    });
    expect(hooksChange({ ...START, real_names: true }, START)).toEqual({ urls: {}, real_names: true });
    expect(hooksChange({ ...START, urls: { ...START.urls, new_conversation: " " } }, START)).toEqual({
      urls: { new_conversation: "" },
    });
  });
});

describe("saving a widget's webhooks", () => {
  const run = async (fails: "hooks" | "widget" | null) => {
    const done: string[] = [];
    const call = (name: "hooks" | "widget") => async () => {
      done.push(name);
      if (name === fails) throw new Error(name);
      return name;
    };
    await saveHooks({
      hooks: call("hooks"),
      widget: call("widget"),
      onHooks: () => done.push("hooks stored"),
      onWidget: () => done.push("widget stored"),
    }).catch((cause: Error) => done.push(`fault of ${cause.message}`));
    return done;
  };

  it("asks for the addresses first, and stores nothing else when one is wrong", async () => {
    expect(await run(null)).toEqual(["hooks", "widget", "widget stored", "hooks stored"]);
    expect(await run("hooks")).toEqual(["hooks", "fault of hooks"]);
  });

  it("keeps what went well when the rest fails", async () => {
    expect(await run("widget")).toEqual(["hooks", "widget", "hooks stored", "fault of widget"]);
  });
});

describe("the endpoint of a webhook", () => {
  const hook = {
    hook: { widget_id: 1, hook: "feedback" },
    name: "Shop: Visitor feedback",
    url: "https://a.example/",
    dialect: "chatlio",
    dialect_version: "1",
    events: ["feedback"],
    widgets: [1],
    switches: ["traits_text", "real_names"],
  } as Endpoint;

  it("is not told what its widget decides", () => {
    const input = inputOf(valuesOf(hook, []));
    expect(input.switches).toEqual(["real_names", "traits_text"]);
    const change = changeOf(input, hook);
    for (const field of ["dialect", "events", "widgets", "switches"])
      expect(change).not.toHaveProperty(field);
    expect(change).toMatchObject({ name: hook.name, url: hook.url, dialect_version: "1", groups: [] });
    expect(changeOf(input, { ...hook, hook: null })).toEqual(input);
  });

  it("hears an event only in the versions that tell of it", () => {
    const event = { name: "offline_message.receive", title: "", description: "" };
    expect(isTold({ ...event, versions: ["2014"] }, "2014")).toBe(true);
    expect(isTold({ ...event, versions: ["2014"] }, "1")).toBe(false);
    expect(isTold({ ...event, versions: null }, "1")).toBe(true);
    expect(isTold(event, "1")).toBe(true);
  });
});
