import { useSyncExternalStore } from "react";

// One timer for every age on the page.
let now = Date.now();
const listeners = new Set<() => void>();
let timer: number | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= window.setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 20_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      window.clearInterval(timer);
      timer = null;
    }
  };
}

export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

const clockTime = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const dayMonth = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const fullDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const toMinute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "now", "4 min", "3 h", "Tue", "12 Nov": how a list tells an age. */
export function age(time: string, at: number): string {
  const then = Date.parse(time);
  const passed = at - then;
  if (passed < 45_000) return "now";
  if (passed < HOUR) return `${Math.max(1, Math.round(passed / MINUTE))} min`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h`;
  if (passed < 6 * DAY) return weekday.format(then);
  if (new Date(then).getFullYear() === new Date(at).getFullYear()) return dayMonth.format(then);
  return fullDate.format(then);
}

export function timeOfDay(time: string): string {
  return clockTime.format(Date.parse(time));
}

export function dayKey(time: string): string {
  return new Date(time).toDateString();
}

export function dayName(time: string, at: number): string {
  const then = new Date(time);
  if (then.toDateString() === new Date(at).toDateString()) return "Today";
  if (then.toDateString() === new Date(at - DAY).toDateString()) return "Yesterday";
  if (then.getFullYear() !== new Date(at).getFullYear()) return fullDate.format(then);
  return longDay.format(then);
}

export function moment(time: string): string {
  return exact.format(Date.parse(time));
}

/** As moment, to the minute. */
export function dayAndTime(time: string): string {
  return toMinute.format(Date.parse(time));
}

export function milliseconds(value: number): string {
  if (value < 10) return `${value.toFixed(1)} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  return `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`;
}

export function seconds(value: number): string {
  if (value < 1) return "0 s";
  if (value < 90) return `${Math.round(value)} s`;
  if (value < 5400) return `${Math.round(value / 60)} min`;
  if (value < 172_800) return `${Math.round(value / 3600)} h`;
  return `${Math.round(value / 86_400)} days`;
}

function counted(value: number, unit: string): string {
  return `${value} ${unit}${value === 1 ? "" : "s"}`;
}

/** How long something has lasted, as one says it: "20 seconds", "3 hours", "2 days and 4 hours". */
export function lasting(value: number): string {
  const whole = Math.max(0, Math.floor(value));
  if (whole < 60) return counted(whole, "second");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return counted(minutes, "minute");
  const hours = Math.floor(minutes / 60);
  const [most, unit, rest, smaller]: [number, string, number, string] =
    hours < 24
      ? [hours, "hour", minutes % 60, "minute"]
      : [Math.floor(hours / 24), "day", hours % 24, "hour"];
  // Beside many days an hour says nothing.
  const small = unit === "day" && most >= 7 ? 0 : rest;
  return small === 0 ? counted(most, unit) : `${counted(most, unit)} and ${counted(small, smaller)}`;
}
