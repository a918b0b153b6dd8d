// What the form of a saved reply or a question holds, and how it becomes what the API takes.

import { ApiError, type FieldFault } from "../api/error.ts";
import type { Reply, ReplyInput, ReplyKind } from "./api.ts";
import { unknownVariables, VARIABLES } from "./fill.ts";

/** The server's limits. */
export const MOST_OPTIONS = 10;
export const MOST_OF_KIND = 500;

export interface ReplyValues {
  shortcut: string;
  title: string;
  body: string;
  options: string[];
}

export function replyValues(reply: Reply | null, kind: ReplyKind): ReplyValues {
  return {
    shortcut: reply?.shortcut ?? "",
    title: reply?.title ?? "",
    body: reply?.body ?? "",
    options: reply?.options ?? (kind === "question" ? ["", ""] : []),
  };
}

/** What is typed for a shortcut becomes one: a leading # is how it is called, not a part of it. */
export function shortcutOf(text: string): string {
  return text.trim().replace(/^#/, "").toLowerCase();
}

/** Throws what can be told at once, each fault at its own field. */
export function replyInput(values: ReplyValues, kind: ReplyKind): ReplyInput {
  const errors: FieldFault[] = [];
  const fault = (field: string, detail: string) => errors.push({ field, code: "field.invalid", detail });
  const shortcut = shortcutOf(values.shortcut);
  if (!shortcut) fault("shortcut", "Write the word that operators type for it.");
  else if (!/^[\p{L}\p{Nd}_.-]{1,40}$/u.test(shortcut))
    fault("shortcut", "Up to 40 letters, digits, dots, dashes and underscores; no blanks.");
  if (!values.body.trim()) fault("body", kind === "question" ? "Write the question." : "Write the text.");
  const unknown = unknownVariables(values.body);
  if (unknown.length > 0) {
    const known = VARIABLES.map(({ name }) => `{${name}}`).join(", ");
    fault("body", `${unknown.join(", ")} stands for nothing. The variables are ${known}.`);
  }
  const options = kind === "question" ? values.options.map((option) => option.trim()) : [];
  if (kind === "question" && options.length === 0) fault("options", "Add at least one answer.");
  for (const [index, option] of options.entries()) {
    if (!option) fault(`options[${index}]`, "Write the answer, or remove it.");
    else if (options.indexOf(option) < index) fault(`options[${index}]`, "This answer is there already.");
  }
  if (errors.length > 0)
    throw new ApiError(422, "request.invalid", "Some fields need a correction.", { errors });
  return { kind, shortcut, title: values.title.trim(), body: values.body.trim(), options };
}
