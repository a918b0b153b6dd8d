import { describe, expect, it } from "vitest";
import { ApiError } from "../src/api/error.ts";
import type { Widget } from "../src/api/types.ts";
import {
  type HoursValues,
  hoursInput,
  hoursValues,
  slotField,
  timeIn,
  timeOf,
  zones,
} from "../src/settings/hours-form.ts";
import { opensWords } from "../src/settings/presence.ts";

const WIDGET = {
  id: 1,
  hours: {
    timezone: "Europe/Berlin",
    openings: [
      { day: 1, from: "09:00", to: "12:00" },
      { day: 1, from: "13:00", to: "24:00" },
      { day: 7, from: "00:00", to: "04:00" },
    ],
    holidays: [{ date: "2026-12-25", name: "Christmas" }],
  },
  offline_form: true,
  unanswered_seconds: 90,
} as Widget;

const faults = (values: HoursValues) => {
  try {
    hoursInput(values);
  } catch (error) {
    if (error instanceof ApiError) return Object.fromEntries(error.byField());
  }
  return {};
};

describe("the form of hours", () => {
  it("gives back what it was given", () => {
    expect(hoursInput(hoursValues(WIDGET, "UTC"))).toEqual({
      hours: WIDGET.hours,
      offline_form: true,
      unanswered_seconds: 90,
    });
  });

  it("reads times as people type them", () => {
    const read = (texts: string[], end = false) => texts.map((text) => timeOf(text, end));
    expect(read(["9", " 09:30", "9.30", "930", "0930", "9h05", "9 pm", "12am", "12:15 PM"])).toEqual([
      "09:00",
      "09:30",
      "09:30",
      "09:30",
      "09:30",
      "09:05",
      "21:00",
      "00:00",
      "12:15",
    ]);
    expect(read(["", "x", "24", "24:00", "9:60", "25", "13 pm", "0 am", "9:5", "-1", "12345"])).toEqual(
      Array(11).fill(null),
    );
    expect(read(["24", "24:00", "0", "00:00", "12 am", "2400", "24:01"], true)).toEqual([
      ...Array(6).fill("24:00"),
      null,
    ]);
  });

  it("without hours it offers usual ones, and sends none", () => {
    const values = hoursValues({ ...WIDGET, hours: null, unanswered_seconds: 0 }, "Asia/Tokyo");
    expect(values).toMatchObject({ limited: false, timezone: "Asia/Tokyo", alarm: false, seconds: "120" });
    expect(values.days.map((slots) => slots.length)).toEqual([1, 1, 1, 1, 1, 0, 0]);
    expect(hoursInput(values)).toEqual({ hours: null, offline_form: true, unanswered_seconds: 0 });
    expect(hoursInput({ ...values, limited: true }).hours?.openings).toHaveLength(5);
  });

  it("takes a widget of a server that knows no hours yet", () => {
    expect(hoursValues({ id: 1 } as Widget, "UTC")).toMatchObject({
      limited: false,
      offline_form: false,
      alarm: false,
    });
  });

  it("names each faulty opening by its place", () => {
    const values = hoursValues(WIDGET, "UTC");
    const days = [
      [
        { from: "09:00", to: "12:00" },
        { from: "11:00", to: "13:00" },
        { from: "13:00", to: "14:00" },
      ],
      [{ from: "", to: "12:00" }],
      [
        { from: "22:00", to: "02:00" },
        { from: "x", to: "2" },
      ],
      [{ from: "0", to: "00:00" }],
      [],
      [],
      [],
    ];
    const found = faults({ ...values, days });
    expect(Object.keys(found)).toEqual([slotField(0, 1), slotField(1, 0), slotField(2, 0), slotField(2, 1)]);
    expect(found[slotField(2, 0)]).toContain("For a night");
    expect(faults({ ...values, days, limited: false })).toEqual({});
  });

  it("an order of its own is put right before it is sent", () => {
    const values = hoursValues(WIDGET, "UTC");
    const days = values.days.map((slots) => [...slots].reverse());
    expect(hoursInput({ ...values, days }).hours).toEqual(WIDGET.hours);
  });

  it("wants an open day, a zone, a day for each holiday, and a time that can be kept", () => {
    const values = hoursValues(WIDGET, "UTC");
    expect(
      faults({
        ...values,
        timezone: " ",
        days: values.days.map(() => []),
        holidays: [
          { date: "", name: "" },
          { date: "2026-12-25", name: "" },
          { date: "2026-12-25", name: "again" },
        ],
        seconds: "5",
      }),
    ).toEqual({
      unanswered_seconds: "Write 10 to 86400 seconds, which is a day.",
      days: "Open at least one day. To be closed altogether, set the presence to Offline.",
      "hours.timezone": "Choose a time zone.",
      "hours.holidays[0].date": "Choose the day, or remove it.",
      "hours.holidays[2].date": "This day is there already.",
    });
    expect(faults({ ...values, alarm: false, seconds: "soon" })).toEqual({});
    expect(Object.keys(faults({ ...values, seconds: "soon" }))).toEqual(["unanswered_seconds"]);
  });

  it("knows UTC and the zone that is set, whatever the browser lists", () => {
    expect(zones("Mars/Base")).toContain("UTC");
    expect(zones("Mars/Base")).toContain("Mars/Base");
    expect(timeIn("Mars/Base", 0)).toBeNull();
    expect(timeIn("Asia/Tokyo", 0)).toContain("Thursday");
  });
});

describe("how a widget stands now", () => {
  it("in words", () => {
    expect(opensWords({ ...WIDGET, presence: "off", open_now: true })).toMatchObject({ open: false });
    expect(opensWords({ ...WIDGET, hours: null }).words).toContain("around the clock");
    expect(opensWords({ ...WIDGET, open_now: true })).toEqual({ open: true, words: "Within the hours." });
    expect(opensWords({ ...WIDGET, open_now: false, opens_at: "2026-11-23T08:00:00Z" }).words).toMatch(
      /^Outside the hours\. Opens .*2026/,
    );
    expect(opensWords({ ...WIDGET, open_now: false, opens_at: null }).words).toContain("none are ahead");
  });
});
