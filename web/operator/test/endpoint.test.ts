import { describe, expect, it } from "vitest";
import { ApiError } from "../src/api/error.ts";
import type { Dialect, Endpoint } from "../src/api/types.ts";
import { lasting } from "../src/app/clock.ts";
import { type EndpointValues, headersOf, inputOf, valuesOf } from "../src/settings/endpoint-form.ts";
import { standingOf } from "../src/settings/standing.ts";

const NOW = Date.parse("2026-11-22T10:00:00Z");
const HOUR = 3_600_000;

const DIALECTS: Dialect[] = [
  {
    name: "userlike",
    title: "Userlike",
    version: "2",
    versions: ["1", "2"],
    success: "200 only",
    events: [],
  },
];

function endpoint(fields: Partial<Endpoint>, stats: Partial<Endpoint["stats"]> = {}): Endpoint {
  return {
    id: 1,
    name: "Shop",
    url: "https://shop.example/",
    dialect: "userlike",
    dialect_version: "1",
    events: [],
    widgets: [],
    groups: [],
    headers: {},
    state: "active",
    state_reason: "",
    has_secret: true,
    in_flight_limit: 16,
    rate_limit: 0,
    timeout_seconds: 15,
    success: "dialect",
    private_ranges: null,
    policy: { name: "keep", email: "keep", ip: "keep", text: "keep" },
    switches: [],
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
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

const ago = (hours: number) => new Date(NOW - hours * HOUR).toISOString();

describe("durations in words", () => {
  it("has two units at most and knows one from many", () => {
    const told = [0, 1, 59.9, 60, 3599, 3600, 3660, 7320, 86_400, 90_000, 180_000, 8 * 86_400 + 7200].map(
      lasting,
    );
    expect(told).toEqual([
      "0 seconds",
      "1 second",
      "59 seconds",
      "1 minute",
      "59 minutes",
      "1 hour",
      "1 hour and 1 minute",
      "2 hours and 2 minutes",
      "1 day",
      "1 day and 1 hour",
      "2 days and 2 hours",
      "8 days",
    ]);
    expect(lasting(-5)).toBe("0 seconds");
  });
});

describe("how an endpoint stands", () => {
  it("has nothing to say while all is well", () => {
    expect(standingOf(endpoint({}), NOW)).toEqual({ label: "Active", tone: "good", story: [] });
  });

  it("tells since when it fails and when it will be paused", () => {
    const { label, tone, story } = standingOf(endpoint({}, { failing_since: ago(2), breaker: "open" }), NOW);
    expect([label, tone]).toEqual(["Failing", "warn"]);
    expect(story.join(" ")).toMatch(
      /^Nothing has been accepted for 2 hours, since .* held back.* paused on /,
    );
    expect(story.join(" ")).not.toMatch(/warning/);
  });

  it("tells the last warning that was given", () => {
    const storyAfter = (hours: number) =>
      standingOf(endpoint({}, { failing_since: ago(hours) }), NOW).story.join(" ");
    expect(storyAfter(25)).toMatch(/The warning of the first day was given/);
    expect(storyAfter(71)).toMatch(/of the first day/);
    expect(storyAfter(73)).toMatch(/The warning of day 3 was given/);
  });

  it("tells a pause by hand from one by the server", () => {
    const byHand = standingOf(endpoint({ state: "paused", state_reason: "paused by Ada" }), NOW);
    expect(byHand).toMatchObject({ label: "Paused", tone: "warn" });
    expect(byHand.story[0]).toBe("Paused by Ada.");
    const alone = standingOf(
      endpoint(
        { state: "paused", state_reason: "nothing has arrived for 5 days: the receiver answered 503" },
        { failing_since: ago(121), breaker: "open" },
      ),
      NOW,
    );
    expect(alone).toMatchObject({ label: "Paused by the server", tone: "bad" });
    expect(alone.story[0]).toBe("Nothing has arrived for 5 days: the receiver answered 503.");
    expect(alone.story[1]).toMatch(/^The failures began /);
  });

  it("knows gone and recovering", () => {
    expect(standingOf(endpoint({ state: "gone" }), NOW)).toMatchObject({ label: "Gone", tone: "bad" });
    expect(standingOf(endpoint({}, { breaker: "half_open" }), NOW)).toMatchObject({ label: "Recovering" });
  });
});

describe("the endpoint's form", () => {
  const faults = (values: EndpointValues) => {
    try {
      inputOf(values);
    } catch (error) {
      if (error instanceof ApiError) return Object.fromEntries(error.byField());
    }
    return {};
  };

  it("gives back what it was given", () => {
    const stored = endpoint({
      events: ["chat_session.end"],
      widgets: [2],
      groups: [1, 9],
      rate_limit: 20,
      private_ranges: ["10.20.0.0/16", "fd00::/8"],
      policy: { name: "hash", email: "remove", ip: "keep", text: "keep" },
    });
    expect(stored).toMatchObject(inputOf(valuesOf(stored, DIALECTS)));
    const plain = endpoint({});
    expect(plain).toMatchObject(inputOf(valuesOf(plain, DIALECTS)));
    expect(inputOf(valuesOf(endpoint({ private_ranges: [] }), DIALECTS)).private_ranges).toEqual([]);
  });

  it("pins a new endpoint to the dialect's current version", () => {
    expect(valuesOf(null, DIALECTS)).toMatchObject({ dialect: "userlike", version: "2", everyEvent: true });
  });

  it("does not let an empty choice become everything", () => {
    const values = { ...valuesOf(endpoint({}), DIALECTS), everyEvent: false, everyGroup: false };
    expect(faults(values)).toEqual({ events: "Choose at least one.", groups: "Choose at least one." });
    expect(
      faults({ ...values, everyEvent: true, everyGroup: true, privately: "some", ranges: " \n" }),
    ).toEqual({
      private_ranges: "Write at least one range.",
    });
  });

  it("does not let a word become a number", () => {
    const values = { ...valuesOf(endpoint({}), DIALECTS), perSecond: "many", timeout: "", atOnce: "1.5" };
    expect(Object.keys(faults(values)).sort()).toEqual(["in_flight_limit", "rate_limit", "timeout_seconds"]);
    expect(inputOf({ ...values, perSecond: " ", timeout: "9", atOnce: "1" }).rate_limit).toBe(0);
  });

  it("leaves out header lines without a name", () => {
    expect(
      headersOf([
        { name: " X-Key ", value: "a" },
        { name: "", value: "b" },
      ]),
    ).toEqual({ "X-Key": "a" });
  });
});
