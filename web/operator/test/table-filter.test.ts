import { describe, expect, it } from "vitest";
import {
  asParameters,
  isBackwards,
  isNarrowed,
  NO_FILTER,
  readFilter,
  type TableFilter,
  writeFilter,
} from "../src/conversations/filter.ts";

const read = (text: string) => readFilter(new URLSearchParams(text));

const FULL: TableFilter = {
  statuses: ["new", "ended"],
  channel: "website",
  widget: 2,
  group: 7,
  operator: "none",
  tags: ["VAT, Sweden", "a&b=c"],
  ratings: ["5", "none"],
  from: "2026-11-20T00:00:00Z",
  to: "2026-11-21T12:30:00Z",
  words: "walnut lamp",
};

describe("the table's filter in the address", () => {
  it("comes back as it was written, commas and signs in tags too", () => {
    expect(read(writeFilter(FULL))).toEqual(FULL);
    expect(read(writeFilter(NO_FILTER))).toEqual(NO_FILTER);
    expect(writeFilter(NO_FILTER)).toBe("");
  });

  it("is the same text for the same filter, whatever the order of choosing", () => {
    expect(writeFilter({ ...FULL, statuses: ["ended", "new"], ratings: ["none", "5"] })).toBe(
      writeFilter(FULL),
    );
  });

  it("drops what is no filter", () => {
    expect(
      read(
        "status=lost&status=new&status=new&channel=%3Cb%3E&widget=x&group=-1&operator=nobody&tag=&tag=%20&rating=6&from=soon",
      ),
    ).toEqual({ ...NO_FILTER, statuses: ["new"] });
  });

  it("takes times of any zone, tags once, and no more than the server takes", () => {
    expect(read("from=2026-11-22T12:00:00%2B02:00").from).toBe("2026-11-22T10:00:00Z");
    expect(read("tag=a&tag=a&tag=b").tags).toEqual(["a", "b"]);
    expect(
      read(
        new Array(30)
          .fill(0)
          .map((_, i) => `tag=t${i}`)
          .join("&"),
      ).tags,
    ).toHaveLength(20);
    expect(read(`q=${"x".repeat(900)}`).words).toHaveLength(200);
  });

  it("is narrowed by words, not by blanks", () => {
    expect(isNarrowed(read("q=lamp"))).toBe(true);
    expect(isNarrowed({ ...NO_FILTER, words: "  " })).toBe(false);
  });
});

describe("the table's filter for the API", () => {
  it("has the API's names and repeats tags and ratings", () => {
    const query = new URLSearchParams(asParameters(FULL));
    expect(query.get("status")).toBe("new,ended");
    expect(query.get("view")).toBe("unassigned");
    expect(query.get("operator_id")).toBeNull();
    expect([query.get("widget_id"), query.get("group_id"), query.get("channel")]).toEqual([
      "2",
      "7",
      "website",
    ]);
    expect(query.getAll("tag")).toEqual(["VAT, Sweden", "a&b=c"]);
    expect(query.getAll("rating")).toEqual(["5", "none"]);
    expect(query.get("q")).toBe("walnut lamp");
  });

  it("asks for every status when none is chosen: the table holds what has ended", () => {
    expect(asParameters(NO_FILTER)).toBe("status=new%2Copen%2Cpending%2Cended");
    expect(new URLSearchParams(asParameters({ ...NO_FILTER, operator: 3 })).get("operator_id")).toBe("3");
  });

  it("is not asked for when it ends before it begins", () => {
    expect(isBackwards({ ...NO_FILTER, from: FULL.to, to: FULL.from })).toBe(true);
    expect(isBackwards(FULL)).toBe(false);
  });
});
