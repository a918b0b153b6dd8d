import { describe, expect, it } from "vitest";
import type { Chart, ChartPoint } from "../src/api/types.ts";
import {
  lagAxis,
  latencyAxis,
  latencyTick,
  rateAxis,
  rateText,
  samplesOf,
  summaryOf,
  timeTicks,
} from "../src/settings/chart-scale.ts";

const START = Date.parse("2026-11-22T10:00:00Z");
const HOUR = 3_600_000;

function chart(step: number, points: Partial<ChartPoint>[]): Chart {
  return {
    step_seconds: step,
    points: points.map((fields, index) => ({
      at: new Date(START + index * step * 1000).toISOString(),
      delivered: 0,
      failed: 0,
      mean_ms: 0,
      max_ms: 0,
      max_lag_seconds: 0,
      ...fields,
    })),
  };
}

describe("samples", () => {
  it("counts per minute, whatever the step", () => {
    const [one] = samplesOf(chart(900, [{ delivered: 30, failed: 15, mean_ms: 5, max_ms: 9 }]), START + HOUR);
    expect(one).toMatchObject({ deliveredRate: 2, failedRate: 1, mean: 5, max: 9 });
  });

  it("counts a step that still runs by what has passed of it, but by a minute at least", () => {
    const running = chart(7200, [{ delivered: 30 }]);
    expect(samplesOf(running, START + 10 * 60_000)[0]?.deliveredRate).toBe(3);
    expect(samplesOf(running, START + 1000)[0]?.deliveredRate).toBe(30);
    // A browser whose clock is behind the server's.
    expect(samplesOf(running, START - HOUR)[0]?.deliveredRate).toBe(30);
  });

  it("has no latency where nothing was called", () => {
    expect(samplesOf(chart(60, [{}]), START + HOUR)[0]).toMatchObject({ mean: null, max: null, lag: 0 });
  });
});

describe("axes", () => {
  it("end at a round number that is large enough", () => {
    const tops = [0, 0.008, 0.011, 0.5, 1, 1.01, 2, 3, 7, 10, 11, 99, 4321].map((largest) =>
      rateAxis(largest).ticks.at(-1),
    );
    expect(tops).toEqual([0.02, 0.02, 0.02, 0.5, 1, 2, 2, 5, 10, 10, 20, 100, 5000]);
  });

  it("put values between bottom and top", () => {
    const axis = rateAxis(40);
    expect(axis.ticks).toEqual([0, 25, 50]);
    expect([0, 25, 50, 80, -1].map(axis.place)).toEqual([0, 0.5, 1, 1, 0]);
  });

  it("end at round times for the lag", () => {
    const day = 86_400;
    const tops = [0, 2, 3, 45, 200, 4000, 80_000, day + 1, 2.5 * day].map(
      (largest) => lagAxis(largest).ticks.at(-1) ?? 0,
    );
    expect(tops).toEqual([2, 2, 10, 60, 300, 7200, day, 2 * day, 4 * day]);
  });

  it("grow tenfold for latencies, so that one time-out flattens nothing", () => {
    const axis = latencyAxis(40, 15_000);
    expect(axis.ticks).toEqual([10, 100, 1000, 10_000, 100_000]);
    expect(axis.place(10)).toBe(0);
    expect(axis.place(1000)).toBeCloseTo(0.5);
    expect(axis.place(0)).toBe(0);
    expect(latencyAxis(3, 4).ticks).toEqual([1, 10, 100]);
    expect(latencyAxis(100, 1000).ticks).toEqual([100, 1000, 10_000]);
  });

  it("are labelled shortly", () => {
    expect([0, 0.02, 0.333, 2.5, 9.96, 10, 1234.5].map(rateText)).toEqual([
      "0",
      "0.02",
      "0.33",
      "2.5",
      "10",
      "10",
      "1,235",
    ]);
    expect([0.1, 1, 100, 1000, 10_000].map(latencyTick)).toEqual(["0.1 ms", "1 ms", "100 ms", "1 s", "10 s"]);
  });
});

describe("times", () => {
  const from = new Date(2026, 10, 22, 9, 7).getTime();
  const words = (ticks: number[]) => ticks.map((at) => new Date(at).toTimeString().slice(0, 5));

  it("stand at round minutes of an hour", () => {
    expect(words(timeTicks(from, from + HOUR, 6))).toEqual([
      "09:10",
      "09:20",
      "09:30",
      "09:40",
      "09:50",
      "10:00",
    ]);
    expect(words(timeTicks(from, from + HOUR, 2))).toEqual(["09:30", "10:00"]);
  });

  it("stand at round hours of a day", () => {
    expect(words(timeTicks(from, from + 24 * HOUR, 4))).toEqual(["12:00", "18:00", "00:00", "06:00"]);
  });

  it("stand at midnights of a week", () => {
    const ticks = timeTicks(from, from + 168 * HOUR, 8);
    expect(ticks).toHaveLength(7);
    expect(new Set(words(ticks))).toEqual(new Set(["00:00"]));
    expect(timeTicks(from, from + 168 * HOUR, 2).length).toBeLessThanOrEqual(3);
  });
});

describe("the summary", () => {
  const told = (points: Partial<ChartPoint>[]) => summaryOf(samplesOf(chart(60, points), START + HOUR), "1h");

  it("says that nothing was called", () => {
    expect(told([{}, {}])).toBe("In the last hour nothing was called.");
  });

  it("says that all is well", () => {
    expect(told([{ delivered: 1, mean_ms: 40, max_ms: 40 }])).toBe(
      "In the last hour 1 call was made, all accepted. The answer took 40 ms on average and 40 ms at most; nothing waited longer than a second.",
    );
  });

  it("weighs the mean by the calls and tells failures and lag", () => {
    expect(
      told([
        { delivered: 90, mean_ms: 10, max_ms: 30 },
        { delivered: 5, failed: 5, mean_ms: 110, max_ms: 15_000, max_lag_seconds: 130 },
      ]),
    ).toBe(
      "In the last hour 95 of 100 calls were accepted and 5 failed. The answer took 20 ms on average and 15.0 s at most; sending was up to 2 minutes behind.",
    );
  });

  it("says that none got through", () => {
    expect(told([{ failed: 2, mean_ms: 5, max_ms: 5 }])).toMatch(/2 calls failed and none was accepted/);
  });
});
