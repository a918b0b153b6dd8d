import { describe, expect, it } from "vitest";
import { ApiError, offlineError } from "../src/api/error.ts";
import type { BulkResult } from "../src/conversations/api.ts";
import {
  handled,
  isAddonMissing,
  LARGEST_PART,
  type Means,
  partsOf,
  progressLine,
  resultLine,
  runBulk,
  type Tally,
} from "../src/conversations/bulk.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const good = (id: number): BulkResult => ({ id, ok: true, changed: true, code: null, detail: null });

interface Bench {
  means: Means;
  sent: { ids: number[]; key: string }[];
  told: Tally[];
  waited: number[];
  stop: () => void;
}

function bench(answer: (ids: number[], call: number) => BulkResult[]): Bench {
  let stopped = false;
  const made: Bench = {
    sent: [],
    told: [],
    waited: [],
    stop: () => {
      stopped = true;
    },
    means: {
      send: async (_, ids, key) => {
        made.sent.push({ ids, key });
        return { results: answer(ids, made.sent.length) };
      },
      wait: async (milliseconds) => {
        made.waited.push(milliseconds);
      },
      stopped: () => stopped,
      tell: (tally) => made.told.push(tally),
    },
  };
  return made;
}

describe("the parts of a bulk action", () => {
  it("are never larger than the server takes, and hold every id once in its order", () => {
    for (const count of [0, 1, 9, 10, 11, 50, 51, 499, 500, 501, 10_000]) {
      const parts = partsOf(upTo(count));
      expect(parts.flat()).toEqual(upTo(count));
      expect(Math.max(0, ...parts.map((part) => part.length))).toBeLessThanOrEqual(LARGEST_PART);
    }
  });

  it("fifty make steps that can be seen", () => {
    expect(partsOf(upTo(50)).map((part) => part.length)).toEqual([10, 10, 10, 10, 10]);
    expect(partsOf(upTo(1000)).length).toBe(20);
  });
});

describe("a bulk action", () => {
  it("S-118: fifty are flagged, with progress and a line with counts", async () => {
    const run = bench((ids) => ids.map((id) => ({ ...good(id), changed: id > 2 })));
    const tally = await runBulk({ action: "send" }, upTo(50), run.means);
    expect(tally).toMatchObject({ done: 48, unchanged: 2, failures: [], left: [], finished: true });
    expect(resultLine("send", tally)).toBe("48 flagged, 2 unchanged, 0 failed");
    expect(run.told.map((each) => progressLine("send", each))).toEqual([
      "Flagging 10 of 50",
      "Flagging 20 of 50",
      "Flagging 30 of 50",
      "Flagging 40 of 50",
      "Flagging 50 of 50",
      "Flagging 50 of 50",
    ]);
    expect(new Set(run.sent.map((each) => each.key)).size).toBe(5);
  });

  it("is stopped between two parts, and says what was left out", async () => {
    const run = bench((ids, call) => {
      if (call === 2) run.stop();
      return ids.map(good);
    });
    const tally = await runBulk({ action: "end" }, upTo(100), run.means);
    expect(run.sent).toHaveLength(2);
    expect(tally.left).toEqual(upTo(100).slice(20));
    expect(resultLine("end", tally)).toBe("20 ended, 0 unchanged, 0 failed, 80 left out");
    expect(handled(tally)).toBe(20);
  });

  it("goes on past single failures and keeps their reasons", async () => {
    const run = bench((ids) =>
      ids.map((id) =>
        id === 3
          ? { id, ok: false, changed: false, code: "conversation.ended", detail: "it has ended" }
          : good(id),
      ),
    );
    const tally = await runBulk({ action: "assign", operator_id: 2 }, upTo(30), run.means);
    expect(tally.failures).toEqual([{ id: 3, code: "conversation.ended", detail: "it has ended" }]);
    expect(tally.done).toBe(29);
  });

  it("sends a part whose answer was lost again under the same key", async () => {
    const run = bench((ids, call) => {
      if (call <= 2) throw offlineError();
      return ids.map(good);
    });
    const tally = await runBulk({ action: "tag", tags: ["a"] }, upTo(5), run.means);
    expect(tally.done).toBe(5);
    expect(new Set(run.sent.map((each) => each.key)).size).toBe(1);
    expect(run.waited).toEqual([800, 1600]);
  });

  it("waits as long as a busy server says, and gives up in the end", async () => {
    const run = bench(() => {
      throw new ApiError(429, "request.limited", "Slower, please.", { retryAfter: 3 });
    });
    const tally = await runBulk({ action: "reopen" }, upTo(20), run.means);
    expect(run.waited).toEqual([3000, 3000, 3000]);
    expect(tally.halted?.detail).toBe("Slower, please.");
    expect(tally.left).toHaveLength(20);
    expect(resultLine("reopen", tally)).toBe("0 reopened, 0 unchanged, 0 failed, 20 left out");
  });

  it("does not repeat what is refused for good", async () => {
    const run = bench(() => {
      throw new ApiError(422, "field.invalid", "There is no such group.");
    });
    const tally = await runBulk({ action: "forward", group_id: 9 }, upTo(20), run.means);
    expect(run.sent).toHaveLength(1);
    expect(tally.halted?.code).toBe("field.invalid");
  });

  it("S-121: ends at once when no add-on is set up, however the server says it", async () => {
    const missing = { ok: false, changed: false, code: "addon.missing", detail: "No API add-on is set up." };
    const each = bench((ids) => ids.map((id) => ({ id, ...missing })));
    const whole = bench(() => {
      throw new ApiError(409, "addon.missing", "No API add-on is set up.");
    });
    for (const run of [each, whole]) {
      const tally = await runBulk({ action: "send" }, upTo(50), run.means);
      expect(run.sent).toHaveLength(1);
      expect(isAddonMissing(tally)).toBe(true);
      expect(tally.done).toBe(0);
    }
  });
});
