// What the form of a widget's mails holds, and how it becomes what the API takes.

import { ApiError, type FieldFault } from "../api/error.ts";
import { type MailKind, type MailTexts, TEXT_NAMES, type WidgetMail, type WidgetMailInput } from "./api.ts";
import { changedSecret, type SecretValue, UNCHANGED } from "./secret.ts";

export interface WidgetMailValues {
  enabled: boolean;
  url: string;
  token: SecretValue;
  context_as_text: boolean;
  inbound_url: string;
  transcript_on_end: boolean;
  transcript_offer: boolean;
  sign_in: boolean;
  missed: boolean;
  missed_minutes: string;
  from_name: string;
  logo_url: string;
  texts: MailTexts;
}

export const WIDGET_MAIL_FIELDS = [
  "custom_email_api",
  "inbound_url",
  "transcript_on_end",
  "transcript_offer",
  "sign_in",
  "missed_after_seconds",
  "from_name",
  "logo_url",
  "texts",
];

const DEFAULT_MINUTES = 15;

function textsOf(texts: Partial<MailTexts>): MailTexts {
  return Object.fromEntries(TEXT_NAMES.map((name) => [name, texts[name] ?? ""])) as MailTexts;
}

export function widgetMailValues(mail: WidgetMail): WidgetMailValues {
  const missed = mail.missed_after_seconds > 0;
  return {
    enabled: mail.custom_email_api.enabled,
    url: mail.custom_email_api.url,
    token: UNCHANGED,
    context_as_text: mail.custom_email_api.context_as_text,
    inbound_url: mail.inbound_url,
    transcript_on_end: mail.transcript_on_end,
    transcript_offer: mail.transcript_offer,
    sign_in: mail.sign_in,
    missed,
    missed_minutes: String(missed ? Math.round(mail.missed_after_seconds / 6) / 10 : DEFAULT_MINUTES),
    from_name: mail.from_name,
    logo_url: mail.logo_url,
    texts: textsOf(mail.texts),
  };
}

/** Throws what can be told without asking the server. */
export function widgetMailInput(values: WidgetMailValues): WidgetMailInput {
  const errors: FieldFault[] = [];
  const seconds = Math.round(Number(values.missed_minutes.replace(",", ".")) * 60);
  if (values.missed && !(seconds >= 60 && seconds <= 86_400))
    errors.push({
      field: "missed_after_seconds",
      code: "field.invalid",
      detail: "Write minutes, from 1 to 1440 (a day).",
    });
  if (values.enabled && values.url.trim() === "")
    errors.push({
      field: "custom_email_api.url",
      code: "field.required",
      detail: "Write the address that takes the mails.",
    });
  if (errors.length > 0)
    throw new ApiError(422, "request.invalid", "Some fields need a correction.", { errors });
  const token = changedSecret(values.token);
  return {
    custom_email_api: {
      enabled: values.enabled,
      url: values.url.trim(),
      ...(token !== undefined && { token }),
      context_as_text: values.context_as_text,
    },
    inbound_url: values.inbound_url.trim(),
    transcript_on_end: values.transcript_on_end,
    transcript_offer: values.transcript_offer,
    sign_in: values.sign_in,
    missed_after_seconds: values.missed ? seconds : 0,
    from_name: values.from_name.trim(),
    logo_url: values.logo_url.trim(),
    texts: values.texts,
  };
}

export const TEXT_KINDS: { value: MailKind; label: string }[] = [
  { value: "transcript", label: "Transcript" },
  { value: "missed", label: "Missed" },
  { value: "reauth", label: "Sign-in" },
];

/** The kind of mail whose text has a fault, so that it can be shown; the footer stands in all. */
export function faultyKind(faults: Iterable<string>): MailKind | undefined {
  for (const field of faults) {
    const name = /^texts\.(transcript|missed|reauth)_/.exec(field)?.[1];
    if (name) return name as MailKind;
  }
  return undefined;
}

/**
 * What the test of the callback uses is what is saved: while one of these is edited, a test would tell of something
 * else than the form shows.
 */
export function callbackEdited(values: WidgetMailValues, mail: WidgetMail): boolean {
  const saved = mail.custom_email_api;
  return (
    values.enabled !== saved.enabled ||
    values.url.trim() !== saved.url ||
    changedSecret(values.token) !== undefined
  );
}
