import { describe, expect, it } from "vitest";
import { ApiError } from "../src/api/error.ts";
import {
  type FullInput,
  NEW_WIDGET,
  type WidgetValues,
  widgetInput,
  widgetValues,
} from "../src/settings/widget-form.ts";

const FULL: FullInput = {
  ...NEW_WIDGET,
  name: "Shop",
  group_id: 3,
  domains: ["a.example", "b.example"],
  privacy_mode: true,
  rating_form: "",
  ask_feedback: false,
  survey: { question: "Solved?", options: ["Yes", "No"] },
  goals: [{ id: 5, name: "Order", match: "prefix", pattern: "/thanks" }],
};

const faults = (values: WidgetValues) => {
  try {
    widgetInput(values);
  } catch (error) {
    if (error instanceof ApiError) return Object.fromEntries(error.byField());
  }
  return {};
};

describe("the widget's form", () => {
  it("gives back what it was given", () => {
    expect(widgetInput(widgetValues(FULL))).toEqual(FULL);
    expect(widgetInput(widgetValues({ ...NEW_WIDGET, name: "New" }))).toEqual({ ...NEW_WIDGET, name: "New" });
  });

  it("takes a widget of a server that does not know the questions yet", () => {
    const { privacy_mode, rating_form, ask_feedback, survey, goals, ...old } = FULL;
    const values = widgetValues(old as FullInput);
    expect(values).toMatchObject({ rating: "off", surveyed: false, goals: [], privacy_mode: false });
  });

  it("keeps the question while it is switched off, and does not send it", () => {
    const values = { ...widgetValues(FULL), surveyed: false };
    expect(widgetInput(values).survey).toBeNull();
    expect(values.question).toBe("Solved?");
    expect(faults({ ...values, question: "", options: [""] })).toEqual({});
  });

  it("names each empty field by its place", () => {
    const values: WidgetValues = {
      ...widgetValues(FULL),
      question: " ",
      options: ["Yes", ""],
      goals: [
        { id: 5, name: "", match: "prefix", pattern: "/thanks" },
        { name: "Newsletter", match: "script", pattern: " " },
      ],
    };
    expect(faults(values)).toEqual({
      "survey.question": "Write the question.",
      "survey.options[1]": "Write the answer, or remove it.",
      "goals[0].name": "Give the goal a name.",
      "goals[1].pattern": "Write the key.",
    });
    expect(faults({ ...widgetValues(FULL), options: [] })).toEqual({
      "survey.options": "Add at least one answer.",
    });
  });

  it("a new goal has no id, a known one keeps it", () => {
    const values = widgetValues(FULL);
    const goals = [...values.goals, { name: " Signed up ", match: "exact" as const, pattern: " /welcome " }];
    expect(widgetInput({ ...values, goals }).goals).toEqual([
      FULL.goals[0],
      { name: "Signed up", match: "exact", pattern: "/welcome" },
    ]);
  });
});
