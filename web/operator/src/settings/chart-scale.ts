// The arithmetic of the endpoint's chart: which ticks an axis gets and where a value stands. No drawing here.

import type { Chart, ChartPoint, ChartRange } from "../api/types.ts";
import { lasting, milliseconds, seconds } from "../app/clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const RANGES: { value: ChartRange; label: string; words: string; refresh: number }[] = [
  { value: "1h", label: "1 hour", words: "In the last hour", refresh: 10_000 },
  { value: "24h", label: "24 hours", words: "In the last 24 hours", refresh: MINUTE },
  { value: "7d", label: "7 days", words: "In the last 7 days", refresh: 2 * MINUTE },
];

export function isRange(text: string | null): text is ChartRange {
  return RANGES.some((range) => range.value === text);
}

export interface Sample {
  at: number;
  /** When the step ends; the last one may still be running. */
  until: number;
  delivered: number;
  failed: number;
  deliveredRate: number;
  failedRate: number;
  /** null where nothing was called: there is no latency then, not one of zero. */
  mean: number | null;
  max: number | null;
  lag: number;
}

/** The points as they are drawn: rates per minute, and nothing where there was no call. */
export function samplesOf(chart: Chart, now: number): Sample[] {
  const step = chart.step_seconds * 1000;
  return chart.points.map((point) => sampleOf(point, step, now));
}

function sampleOf(point: ChartPoint, step: number, now: number): Sample {
  const at = Date.parse(point.at);
  // A step that still runs is counted by what has passed of it, else the chart would always end in a fall.
  const passed = Math.min(step, Math.max(MINUTE, now - at));
  const perMinute = MINUTE / passed;
  const called = point.delivered + point.failed > 0;
  return {
    at,
    until: at + step,
    delivered: point.delivered,
    failed: point.failed,
    deliveredRate: point.delivered * perMinute,
    failedRate: point.failed * perMinute,
    mean: called ? point.mean_ms : null,
    max: called ? point.max_ms : null,
    lag: point.max_lag_seconds,
  };
}

export interface Axis {
  ticks: number[];
  /** From 0 at the bottom to 1 at the top. */
  place: (value: number) => number;
}

const STEPS = [1, 2, 5, 10];

/** Zero to a round number not below the largest value. */
export function rateAxis(largest: number): Axis {
  const power = 10 ** Math.floor(Math.log10(Math.max(largest, 0.01)) + 1e-9);
  const step = STEPS.find((each) => each * power >= largest * (1 - 1e-9)) ?? 10;
  return linear(Math.max(0.02, Number((step * power).toPrecision(1))));
}

const ROUND_SECONDS = [2, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21_600, 43_200, 86_400];

/** As rateAxis, with tops that are round as times. */
export function lagAxis(largest: number): Axis {
  const days = Math.ceil(largest / 86_400);
  return linear(ROUND_SECONDS.find((each) => each >= largest) ?? (days + (days % 2)) * 86_400);
}

function linear(top: number): Axis {
  return { ticks: [0, top / 2, top], place: (value) => Math.min(1, Math.max(0, value / top)) };
}

/**
 * Latencies run from below a millisecond to the time-out, and one slow call must not flatten all others: each tick is ten
 * times the one below.
 */
export function latencyAxis(smallest: number, largest: number): Axis {
  const low = Math.floor(Math.log10(Math.max(smallest, 0.1)) + 1e-9);
  const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(largest, 0.1)) - 1e-9));
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  return {
    ticks,
    place: (value) => Math.min(1, Math.max(0, (Math.log10(Math.max(value, 1e-9)) - low) / (high - low))),
  };
}

const TIME_STEPS = [5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880].map((each) => each * MINUTE);

/** Round local times between the two, at most so many. */
export function timeTicks(from: number, to: number, most: number): number[] {
  const step = TIME_STEPS.find((each) => (to - from) / each <= most) ?? 4 * DAY;
  const ticks: number[] = [];
  const first = new Date(from);
  first.setHours(0, 0, 0, 0);
  if (step < DAY) {
    for (let at = first.getTime(); at <= to; at += step) if (at >= from) ticks.push(at);
  } else {
    // Days are counted in the calendar: one with a change of the clock has 23 or 25 hours.
    for (const at = first; at.getTime() <= to; at.setDate(at.getDate() + step / DAY))
      if (at.getTime() >= from) ticks.push(at.getTime());
  }
  return ticks;
}

export function rateText(value: number): string {
  if (value < 10) return String(Number(value.toPrecision(2)));
  return Math.round(value).toLocaleString("en-US");
}

export function latencyTick(value: number): string {
  return value < 1000 ? `${value < 1 ? value.toFixed(1) : value} ms` : `${value / 1000} s`;
}

/** What the chart shows, in one or two sentences. */
export function summaryOf(samples: Sample[], range: ChartRange): string {
  const words = RANGES.find((each) => each.value === range)?.words ?? "";
  const delivered = samples.reduce((sum, each) => sum + each.delivered, 0);
  const failed = samples.reduce((sum, each) => sum + each.failed, 0);
  const calls = delivered + failed;
  if (calls === 0) return `${words} nothing was called.`;
  const number = (value: number) => value.toLocaleString("en-US");
  const weighted = samples.reduce((sum, each) => sum + (each.mean ?? 0) * (each.delivered + each.failed), 0);
  const slowest = Math.max(...samples.map((each) => each.max ?? 0));
  const lag = Math.max(...samples.map((each) => each.lag));
  const outcome =
    failed === 0
      ? `${number(calls)} ${calls === 1 ? "call was" : "calls were"} made, all accepted`
      : delivered === 0
        ? `${number(calls)} ${calls === 1 ? "call" : "calls"} failed and none was accepted`
        : `${number(delivered)} of ${number(calls)} calls were accepted and ${number(failed)} failed`;
  const answer = `The answer took ${milliseconds(weighted / calls)} on average and ${milliseconds(slowest)} at most`;
  const behind = lag < 1 ? "nothing waited longer than a second" : `sending was up to ${lasting(lag)} behind`;
  return `${words} ${outcome}. ${answer}; ${behind}.`;
}

export function lagText(value: number): string {
  return value > 0 && value < 1 ? "< 1 s" : seconds(value);
}
