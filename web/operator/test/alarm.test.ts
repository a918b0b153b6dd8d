import { describe, expect, it } from "vitest";
import { applyToCounts, matches, shiftCounts } from "../src/realtime/reducer.ts";
import { NOT_ENDED } from "../src/realtime/snapshots.ts";
import { conversation, event } from "./samples.ts";

const at = "2026-11-22T10:00:00.000000Z";
const ringing = conversation({ id: 1, unanswered_at: at });
const quiet = conversation({ id: 1, unanswered_at: null });
const counts = { mine: 0, unassigned: 1, all: 1, attention: 0 };

describe("the alarm", () => {
  it("puts a conversation into the list of those that need attention, until it ends", () => {
    const filter = { view: "attention" as const, statuses: NOT_ENDED };
    expect(matches(filter, ringing, 1)).toBe(true);
    expect(matches(filter, quiet, 1)).toBe(false);
    expect(matches(filter, { ...ringing, status: "ended" }, 1)).toBe(false);
  });

  it("is counted when it rings and when it stops", () => {
    expect(shiftCounts(counts, quiet, ringing, 1).attention).toBe(1);
    expect(shiftCounts({ ...counts, attention: 1 }, ringing, quiet, 1).attention).toBe(0);
    const { attention, ...older } = counts;
    expect(shiftCounts(older, quiet, ringing, 1).attention).toBe(attention + 1);
  });

  it("of a conversation that is not known makes the counts uncertain", () => {
    const snapshot = { seq: 1, counts, uncertain: false };
    const rings = event("conversation.unanswered", 2, { conversation: ringing });
    expect(applyToCounts(snapshot, rings, 1, undefined).uncertain).toBe(true);
    const answered = event("message.sent", 2, { conversation: quiet });
    expect(applyToCounts(snapshot, answered, 1, undefined).uncertain).toBe(false);
    const some = { ...snapshot, counts: { ...counts, attention: 2 } };
    expect(applyToCounts(some, answered, 1, undefined).uncertain).toBe(true);
    const known = applyToCounts(some, answered, 1, ringing);
    expect([known.counts.attention, known.uncertain]).toEqual([1, false]);
  });
});
