import { describe, expect, it } from "vitest";
import {
  mailTroublesOf,
  type NamedWay,
  noticeOf,
  readSeen,
  seeAll,
  troublesOf,
  unseen,
} from "../src/settings/attention.ts";

const NOW = Date.parse("2026-11-22T10:00:00Z");

function way(fields: Partial<NamedWay> = {}, stats: Partial<NamedWay["stats"]> = {}): NamedWay {
  return {
    id: 1,
    name: "Shop",
    state: "active",
    state_reason: "",
    ...fields,
    stats: {
      pending: 0,
      dead: 0,
      lag_seconds: 0,
      last_status: 200,
      last_attempt_at: null,
      breaker: "closed",
      failing_since: null,
      ...stats,
    },
  };
}

const failing = way({}, { breaker: "open", failing_since: "2026-11-21T09:00:00Z" });
const texts = (ways: NamedWay[]) => troublesOf("channels", ways, NOW).map((each) => each.text);

describe("what needs attention", () => {
  it("is nothing while all is well, or was paused by somebody", () => {
    expect(texts([way(), way({ state: "paused", state_reason: "paused by Ada Keller" })])).toEqual([]);
  });

  it("is what fails, was stopped by the server, or wants no more", () => {
    const stopped = way({ state: "paused", state_reason: "nothing has arrived for 5 days" });
    expect(texts([failing, stopped, way({ state: "gone" })])).toEqual([
      "Failing",
      "Paused by the server",
      "Gone",
    ]);
  });

  it("is what was given up, with the way to it", () => {
    const [trouble] = troublesOf("channels", [way({ id: 7 }, { dead: 2 })], NOW);
    expect(trouble).toMatchObject({
      text: "2 calls were given up",
      to: "/settings/channels/7/outbound?state=dead",
    });
    expect(troublesOf("endpoints", [way({ id: 7 }, { dead: 1 })], NOW)[0]?.to).toBe(
      "/settings/endpoints/7?state=dead",
    );
  });
});

describe("what was seen", () => {
  it("does not count until it is new again", () => {
    const before = troublesOf("endpoints", [failing], NOW);
    const seen = readSeen(JSON.stringify(seeAll(before)));
    expect(unseen(before, seen)).toEqual([]);
    const later = way({}, { breaker: "open", failing_since: "2026-11-22T09:00:00Z" });
    expect(unseen(troublesOf("endpoints", [later], NOW), seen)).toHaveLength(1);
    expect(unseen(troublesOf("channels", [failing], NOW), seen)).toHaveLength(1);
  });

  it("counts more calls given up, but not fewer", () => {
    const dead = (count: number) => troublesOf("endpoints", [way({}, { dead: count })], NOW);
    const seen = seeAll(dead(3));
    expect(unseen(dead(2), seen)).toEqual([]);
    expect(unseen(dead(10), seen)).toHaveLength(1);
  });

  it("is nothing when what is stored is no list of it", () => {
    expect(readSeen(null)).toEqual({});
    expect(readSeen("[1]")).toEqual({});
    expect(readSeen("{")).toEqual({});
    expect(readSeen('{"a":1,"b":"2"}')).toEqual({ b: "2" });
  });
});

describe("a notice", () => {
  const paused = { type: "channel.paused", data: { channel: { name: "SMS", reason: "it answered 410" } } };
  const dead = { type: "delivery.dead", data: { endpoint: { name: "Shop", reason: "it answered 500" } } };

  it("says what happened to whom", () => {
    expect(noticeOf([paused])).toBe("SMS was paused. It answered 410.");
    expect(noticeOf([dead])).toBe("Shop: a call was given up.");
    expect(noticeOf([dead, dead])).toBe("Shop: 2 calls were given up.");
    expect(noticeOf([{ type: "endpoint.failing", data: { endpoint: { name: "Shop" }, days: 3 } }])).toBe(
      "Shop: nothing has been accepted for 3 days.",
    );
  });

  it("is one for many", () => {
    expect(noticeOf([paused, dead])).toMatch(/^2 notices/);
    expect(noticeOf([])).toBe("");
  });
});

describe("mails that need attention", () => {
  const server = { state: "ok" as const, reason: "", waiting: 0 };
  const keys = (...given: Parameters<typeof mailTroublesOf>) =>
    mailTroublesOf(...given).map(({ key }) => key);

  it("are none while all is well, or while there is nothing to send", () => {
    expect(keys(undefined, undefined)).toEqual([]);
    expect(keys({ ...server, waiting: 3 }, undefined)).toEqual([]);
    expect(keys({ ...server, state: "unset" }, undefined)).toEqual([]);
  });

  it("wait for a mail server, or for one that works", () => {
    const [unset] = mailTroublesOf({ ...server, state: "unset", waiting: 1 }, undefined);
    expect(unset).toMatchObject({ text: "1 mail waits: no mail server is set up", to: "/settings/mail" });
    const [failing] = mailTroublesOf({ ...server, state: "failing", reason: "535", waiting: 2 }, undefined);
    expect(failing).toMatchObject({ text: "Failing, and 2 mails wait", mark: "failing" });
  });

  it("are told of a widget only where the mail server does not explain it", () => {
    const widgets = [
      { widget_id: 1, name: "Shop", state: "waiting" as const, reason: "the callback answered 410" },
      {
        widget_id: 2,
        name: "Area",
        state: "waiting" as const,
        reason: "no mail server is set up, and so on",
      },
      { widget_id: 3, name: "Blog", state: "ok" as const, reason: "" },
    ];
    const found = mailTroublesOf({ ...server, state: "unset", waiting: 4, widgets }, undefined);
    expect(found.map(({ key }) => key)).toEqual(["mail", "mail:widget:1"]);
    expect(found[1]).toMatchObject({
      text: "Its mails wait: the callback answered 410.",
      to: "/settings/widgets/1/advanced",
    });
  });

  it("failed: told once, until a newer one fails", () => {
    const failed = (id: number) => mailTroublesOf(server, { id, receiver: "a@b.example", reason: "550" });
    const seen = seeAll(failed(7));
    expect(unseen(failed(7), seen)).toEqual([]);
    expect(unseen(failed(5), seen)).toEqual([]);
    expect(unseen(failed(8), seen)).toHaveLength(1);
  });

  it("have a notice of their own", () => {
    const event = { type: "mail.failed", data: { mail: { reason: "550 no such user" } } };
    expect(noticeOf([event])).toBe("A mail was not sent. 550 no such user.");
    expect(noticeOf([event, event])).toBe("2 mails were not sent.");
  });
});
