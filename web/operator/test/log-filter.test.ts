import { describe, expect, it } from "vitest";
import { asLocalEntry, fromLocalEntry } from "../src/app/stamps.ts";
import {
  asParameters,
  inWords,
  isBackwards,
  isNarrowed,
  NO_FILTER,
  readFilter,
  writeFilter,
} from "../src/settings/log-filter.ts";

const read = (text: string) => readFilter(new URLSearchParams(text));

describe("a filter in the address", () => {
  it("comes back as it was written", () => {
    const filter = {
      endpoint: 2,
      channel: null,
      state: "dead" as const,
      event: "chat_session.end",
      conversation: 42,
      eventId: 900,
      from: "2026-11-20T00:00:00Z",
      to: "2026-11-21T12:30:00Z",
    };
    expect(read(writeFilter(new URLSearchParams(), filter))).toEqual(filter);
  });

  it("is nothing when nothing is there, or nonsense", () => {
    expect(read("")).toEqual(NO_FILTER);
    expect(
      read("endpoint=x&state=toString&event=&conversation=-1&event_id=1.5&from=soon&to=99"),
    ).toMatchObject({
      endpoint: null,
      state: null,
      event: null,
      conversation: null,
      eventId: null,
      from: null,
    });
  });

  it("takes times of any zone and keeps them in UTC", () => {
    expect(read("from=2026-11-22T12:00:00%2B02:00").from).toBe("2026-11-22T10:00:00Z");
  });

  it("leaves alone what is not its own", () => {
    const before = new URLSearchParams("range=7d&state=dead&event=a");
    expect(writeFilter(before, { state: null, conversation: 7 })).toBe("range=7d&event=a&conversation=7");
    expect(before.get("state")).toBe("dead");
  });

  it("does not count the endpoint as narrowing", () => {
    expect(isNarrowed(read("endpoint=2"))).toBe(false);
    expect(isNarrowed(read("endpoint=2&state=dead"))).toBe(true);
  });

  it("may be of a channel instead", () => {
    expect(asParameters(read("channel=3&state=dead"))).toEqual({ channel_id: 3, state: "dead" });
    expect(isNarrowed(read("channel=3"))).toBe(false);
    expect(read("channel=website").channel).toBe(null);
  });
});

describe("a filter for the API", () => {
  it("has the API's names and only what is set", () => {
    expect(asParameters(read("endpoint=2&event=a&event_id=9&from=2026-11-22T10:00:00Z"))).toEqual({
      endpoint_id: 2,
      event_name: "a",
      event_id: 9,
      from: "2026-11-22T10:00:00Z",
    });
    expect(asParameters(NO_FILTER)).toEqual({});
  });

  it("is not asked for when it ends before it begins", () => {
    expect(isBackwards(read("from=2026-11-22T10:00:00Z&to=2026-11-22T10:00:00Z"))).toBe(true);
    expect(isBackwards(read("from=2026-11-22T10:00:00Z&to=2026-11-22T10:00:01Z"))).toBe(false);
    expect(isBackwards(read("to=2026-11-22T10:00:00Z"))).toBe(false);
  });
});

describe("a filter in words", () => {
  it("names what is chosen and says when no time is", () => {
    expect(inWords(read("endpoint=2&state=dead&conversation=7"), "Warehouse")).toEqual([
      ["Endpoint", "Warehouse"],
      ["State", "Given up"],
      ["Conversation", "7"],
      ["Made", "at any time that the log reaches back"],
    ]);
  });
});

describe("a time being typed", () => {
  it("goes from the field to UTC and back", () => {
    const stamp = fromLocalEntry("2026-11-22T10:05");
    expect(stamp).toBe(new Date(2026, 10, 22, 10, 5).toISOString().replace(".000", ""));
    expect(asLocalEntry(stamp ?? null)).toBe("2026-11-22T10:05");
    expect(asLocalEntry(null)).toBe("");
  });

  it("tells empty from unfinished", () => {
    expect(fromLocalEntry("")).toBeNull();
    expect(fromLocalEntry("0202-11-22T10:05")).toBeUndefined();
    expect(fromLocalEntry("2026-11")).not.toBeNull();
    expect(fromLocalEntry("nonsense")).toBeUndefined();
  });
});
