import { describe, expect, it } from "vitest";
import { type NamedWay, noticeOf, readSeen, seeAll, troublesOf, unseen } from "../src/settings/attention.ts";

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
