// What the form of a widget's opening hours and its alarm holds, and how it becomes what the API takes.

import { ApiError, type FieldFault } from "../api/error.ts";
import type { Holiday, OpeningHours, Widget, WidgetInput } from "../api/types.ts";

/** One opening of a day, as it is typed. */
export interface Slot {
  from: string;
  to: string;
}

export interface HoursValues {
  /** Whether the hours below count. They stay in the form while they do not. */
  limited: boolean;
  timezone: string;
  /** Monday first. */
  days: Slot[][];
  holidays: Holiday[];
  offline_form: boolean;
  alarm: boolean;
  seconds: string;
}

export const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
export const USUAL: Slot = { from: "09:00", to: "17:00" };
const MIDNIGHT = "24:00";

function usualWeek(): Slot[][] {
  return DAYS.map((_, day) => (day < 5 ? [USUAL] : []));
}

export function hoursValues(widget: Widget, here: string): HoursValues {
  const hours = widget.hours ?? null;
  const alarm = widget.unanswered_seconds ?? 0;
  return {
    limited: hours !== null,
    timezone: hours?.timezone ?? here,
    days: hours
      ? DAYS.map((_, day) =>
          hours.openings.filter((opening) => opening.day === day + 1).map(({ from, to }) => ({ from, to })),
        )
      : usualWeek(),
    holidays: hours?.holidays ?? [],
    offline_form: widget.offline_form ?? false,
    alarm: alarm > 0,
    seconds: String(alarm || 120),
  };
}

/**
 * A time as people type it (9, 9:30, 9.30, 0930, 9 pm) as HH:MM, or nothing. An opening that ends at 00:00 ends with its
 * day, which is 24:00.
 */
export function timeOf(text: string, end = false): string | null {
  const found = /^(\d{1,2})(?:\s*[:.h]\s*(\d{2})|(\d{2}))?\s*(am|pm)?$/i.exec(text.trim());
  if (!found) return null;
  const half = found[4]?.toLowerCase();
  let hour = Number(found[1]);
  const minute = Number(found[2] ?? found[3] ?? 0);
  if (half && (hour < 1 || hour > 12)) return null;
  if (half) hour = (hour % 12) + (half === "pm" ? 12 : 0);
  if (minute > 59 || hour > 24 || (hour === 24 && (minute > 0 || !end))) return null;
  const time = `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
  return end && time === "00:00" ? MIDNIGHT : time;
}

function read(slot: Slot): { from: string | null; to: string | null } {
  return { from: timeOf(slot.from), to: timeOf(slot.to, true) };
}

/** What is wrong with one opening of a day, if anything. */
function slotFault(slots: Slot[], index: number): string | undefined {
  const slot = slots[index];
  if (!slot?.from.trim() || !slot.to.trim()) return "Write both times, or remove them.";
  const { from, to } = read(slot);
  if (!from || !to) return "Write times like 09:00, up to 24:00.";
  if (to <= from)
    return "It ends before it begins. For a night, end at 24:00 and go on the day after at 00:00.";
  const overlaps = slots
    .slice(0, index)
    .map(read)
    .some((other) => other.from && other.to && other.from < to && from < other.to);
  return overlaps ? "It overlaps with the times above." : undefined;
}

/** Where the fault of one opening is shown. */
export function slotField(day: number, index: number): string {
  return `days[${day}][${index}]`;
}

type HoursInput = Required<Pick<WidgetInput, "hours" | "offline_form" | "unanswered_seconds">>;

/** Throws what can be told at once, each fault at its own field. */
export function hoursInput(values: HoursValues): HoursInput {
  const errors: FieldFault[] = [];
  const fault = (field: string, detail: string | undefined) => {
    if (detail) errors.push({ field, code: "field.invalid", detail });
  };
  const seconds = /^\d{1,6}$/.test(values.seconds.trim()) ? Number(values.seconds) : 0;
  if (values.alarm && (seconds < 10 || seconds > 86_400))
    fault("unanswered_seconds", "Write 10 to 86400 seconds, which is a day.");
  let hours: OpeningHours | null = null;
  if (values.limited) {
    for (const [day, slots] of values.days.entries())
      for (const index of slots.keys()) fault(slotField(day, index), slotFault(slots, index));
    if (values.days.every((slots) => slots.length === 0))
      fault("days", "Open at least one day. To be closed altogether, set the presence to Offline.");
    if (!values.timezone.trim()) fault("hours.timezone", "Choose a time zone.");
    for (const [index, { date }] of values.holidays.entries()) {
      const field = `hours.holidays[${index}].date`;
      if (!date) fault(field, "Choose the day, or remove it.");
      else if (values.holidays.findIndex((other) => other.date === date) < index)
        fault(field, "This day is there already.");
    }
    hours = {
      timezone: values.timezone.trim(),
      openings: values.days.flatMap((slots, day) =>
        slots
          .map(read)
          .map(({ from, to }) => ({ day: day + 1, from: from ?? "", to: to ?? "" }))
          .sort((a, b) => (a.from < b.from ? -1 : 1)),
      ),
      // The server puts them in order; faults name them by the place they have here.
      holidays: values.holidays.map(({ date, name }) => ({ date, name: name.trim() })),
    };
  }
  if (errors.length > 0)
    throw new ApiError(422, "request.invalid", "Some fields need a correction.", { errors });
  return {
    hours,
    offline_form: values.offline_form,
    unanswered_seconds: values.alarm ? seconds : 0,
  };
}

/** The zone that this computer is in. */
export function zoneHere(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** All that this browser knows, and the one that is set. */
export function zones(set: string): string[] {
  const known = Intl.supportedValuesOf("timeZone");
  return [...new Set(["UTC", ...known, set])].filter(Boolean).sort();
}

/** The time of day somewhere, or nothing while the zone is none. */
export function timeIn(zone: string, at: number): string | null {
  try {
    return new Intl.DateTimeFormat(undefined, {
      timeZone: zone,
      weekday: "long",
      hour: "2-digit",
      minute: "2-digit",
    }).format(at);
  } catch {
    return null;
  }
}
