// What the widget's form holds, and how it becomes what the API takes.

import { ApiError, type FieldFault } from "../api/error.ts";
import type { Widget, WidgetInput } from "../api/types.ts";

export type RatingForm = "" | "stars" | "thumbs";
export type GoalMatch = "exact" | "prefix" | "contains" | "script";

export interface Goal {
  /** Absent while it is new. */
  id?: number;
  name: string;
  match: GoalMatch;
  pattern: string;
}

/** What a widget asks its visitors, what it watches for and what it does not keep. */
export interface WidgetAsks {
  privacy_mode: boolean;
  show_visitors: boolean;
  rating_form: RatingForm;
  ask_feedback: boolean;
  survey: { question: string; options: string[] } | null;
  goals: Goal[];
}

export type FullInput = WidgetInput & WidgetAsks;
export type FullWidget = Widget & Partial<WidgetAsks>;

/** The server's limits. */
export const MOST_OPTIONS = 10;
export const MOST_GOALS = 50;

export const NEW_WIDGET: FullInput = {
  name: "",
  lang: "en",
  group_id: null,
  domains: [],
  color: "#4f46e5",
  position: "right",
  title: "Questions?",
  subtitle: "We are happy to help.",
  greeting: "",
  theme: "auto",
  session_timeout_seconds: 1800,
  identity_required: false,
  active: true,
  privacy_mode: false,
  show_visitors: false,
  rating_form: "stars",
  ask_feedback: true,
  survey: null,
  goals: [],
};

export interface WidgetValues
  extends Omit<FullInput, "domains" | "session_timeout_seconds" | "group_id" | "rating_form" | "survey"> {
  domains: string;
  minutes: string;
  group: string;
  rating: "off" | "stars" | "thumbs";
  /** Whether the question below is asked. It stays in the form while it is not. */
  surveyed: boolean;
  question: string;
  options: string[];
}

export function widgetValues(widget: FullWidget | FullInput): WidgetValues {
  const survey = widget.survey ?? null;
  return {
    name: widget.name,
    lang: widget.lang,
    color: widget.color,
    position: widget.position,
    title: widget.title,
    subtitle: widget.subtitle,
    greeting: widget.greeting,
    theme: widget.theme,
    identity_required: widget.identity_required,
    active: widget.active,
    domains: widget.domains.join("\n"),
    minutes: String(widget.session_timeout_seconds / 60),
    group: widget.group_id === null ? "none" : String(widget.group_id),
    privacy_mode: widget.privacy_mode ?? false,
    show_visitors: widget.show_visitors ?? false,
    rating: widget.rating_form || "off",
    ask_feedback: widget.ask_feedback ?? false,
    surveyed: survey !== null,
    question: survey?.question ?? "",
    options: survey?.options ?? ["", ""],
    goals: (widget.goals ?? []).map(({ id, name, match, pattern }) => ({ id, name, match, pattern })),
  };
}

/**
 * Throws what the server would say in worse words or could not tell at all: a survey without a question is none to it.
 */
export function widgetInput(values: WidgetValues): FullInput {
  const { domains, minutes, group, rating, surveyed, question, options, goals, ...rest } = values;
  const errors: FieldFault[] = [];
  const needed = (field: string, text: string, detail: string) => {
    if (text.trim() === "") errors.push({ field, code: "field.required", detail });
    return text.trim();
  };
  const survey = surveyed
    ? {
        question: needed("survey.question", question, "Write the question."),
        options: options.map((option, index) =>
          needed(`survey.options[${index}]`, option, "Write the answer, or remove it."),
        ),
      }
    : null;
  if (survey && options.length === 0)
    errors.push({ field: "survey.options", code: "field.required", detail: "Add at least one answer." });
  const input: FullInput = {
    ...rest,
    name: rest.name.trim(),
    domains: domains.split(/[\s,]+/).filter(Boolean),
    session_timeout_seconds: Math.round(Number(minutes.replace(",", ".")) * 60) || 0,
    group_id: group === "none" ? null : Number(group),
    rating_form: rating === "off" ? "" : rating,
    survey,
    goals: goals.map((goal, index) => ({
      ...goal,
      name: needed(`goals[${index}].name`, goal.name, "Give the goal a name."),
      pattern: needed(
        `goals[${index}].pattern`,
        goal.pattern,
        goal.match === "script" ? "Write the key." : "Write the address or a part of it.",
      ),
    })),
  };
  if (errors.length > 0)
    throw new ApiError(422, "request.invalid", "Some fields need a correction.", { errors });
  return input;
}
