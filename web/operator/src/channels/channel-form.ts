// What the channel's form holds, and how it becomes what the API takes. Its middle is made from what the type of channel
// says about its own settings.

import { ApiError, type FieldFault } from "../api/error.ts";
import type {
  ChannelInput,
  ChannelSetup,
  ChannelType,
  FieldInfo,
  NewChannelInput,
  SecretMark,
} from "./api.ts";

export interface ChannelValues {
  name: string;
  /** The id of the default widget, "" for none yet. */
  widget: string;
  widgets: string[];
  /** Contacts of this channel are kept apart from all others. */
  apart: boolean;
  receipt: boolean;
  settings: { [field: string]: string };
  /** Secrets that are typed; the server makes the others. */
  typed: string[];
  secrets: { [field: string]: string };
}

/** The server's limit, in characters. */
const LONGEST_NAME = 80;

function settingsOf(type: ChannelType): FieldInfo[] {
  return type.fields.filter((field) => field.kind !== "secret");
}

export function secretsOf(type: ChannelType): FieldInfo[] {
  return type.fields.filter((field) => field.kind === "secret");
}

export function valuesOf(
  channel: ChannelSetup | null,
  type: ChannelType,
  widgets: { id: number }[] = [],
): ChannelValues {
  const only = widgets.length === 1 ? String(widgets[0]?.id) : "";
  return {
    name: channel?.name ?? "",
    widget: channel ? String(channel.widget_id) : only,
    widgets: (channel?.widgets ?? []).map(String),
    apart: channel ? !channel.merge : false,
    receipt: channel?.auto_reply ?? false,
    settings: Object.fromEntries(
      settingsOf(type).map(({ name, default: usual }) => [name, channel?.settings[name] ?? usual]),
    ),
    typed: secretsOf(type)
      .filter((field) => !field.generated)
      .map((field) => field.name),
    secrets: Object.fromEntries(secretsOf(type).map(({ name }) => [name, ""])),
  };
}

/** Throws what would only come back from the server in worse words. */
export function changeOf(values: ChannelValues, type: ChannelType): ChannelInput {
  const errors = faultsOf(values, type);
  if (errors.length > 0) throw refused(errors);
  return inputOf(values);
}

/** As changeOf, with the tokens: those that the server shall make are left out. */
export function newInput(values: ChannelValues, type: ChannelType): NewChannelInput {
  const errors = faultsOf(values, type);
  const secrets: { [field: string]: string } = {};
  for (const { name } of secretsOf(type)) {
    if (!values.typed.includes(name)) continue;
    const text = (values.secrets[name] ?? "").trim();
    if (text === "")
      errors.push({
        field: `secrets.${name}`,
        code: "field.required",
        detail: "Type the token, or have one made.",
      });
    secrets[name] = text;
  }
  if (errors.length > 0) throw refused(errors);
  return { type: type.type, ...inputOf(values), secrets };
}

function inputOf(values: ChannelValues): ChannelInput {
  return {
    name: values.name.trim(),
    widget_id: Number(values.widget),
    widgets: values.widgets.map(Number),
    settings: Object.fromEntries(
      Object.entries(values.settings).map(([name, value]) => [name, value.trim()]),
    ),
    merge: !values.apart,
    auto_reply: values.receipt,
  };
}

function faultsOf(values: ChannelValues, type: ChannelType): FieldFault[] {
  const errors: FieldFault[] = [];
  const name = values.name.trim();
  if (name === "") errors.push({ field: "name", code: "field.required", detail: "Give the channel a name." });
  if ([...name].length > LONGEST_NAME)
    errors.push({
      field: "name",
      code: "field.invalid",
      detail: `A name has at most ${LONGEST_NAME} characters.`,
    });
  for (const field of settingsOf(type)) {
    const text = (values.settings[field.name] ?? "").trim();
    const at = `settings.${field.name}`;
    if (field.required && text === "")
      errors.push({ field: at, code: "field.required", detail: `${field.label} is needed.` });
    else if (field.kind === "url" && text !== "" && !/^https?:\/\/[^\s/]/i.test(text))
      errors.push({
        field: at,
        code: "channel.url_refused",
        detail: "Write a whole address that begins with https:// or http://.",
      });
  }
  if (values.widget === "")
    errors.push({
      field: "widget_id",
      code: "field.required",
      detail: "Choose the widget whose rules apply.",
    });
  return errors;
}

function refused(errors: FieldFault[]): ApiError {
  return new ApiError(422, "request.invalid", "Some fields need a correction.", { errors });
}

/** Names under which the server may tell a fault of what the form shows. */
export function shownFields(type: ChannelType): string[] {
  return [
    "name",
    "widget_id",
    "widgets",
    "merge",
    "auto_reply",
    ...type.fields.flatMap(({ name }) => [name, `settings.${name}`, `secrets.${name}`]),
  ];
}

/** A stored token as a person may see it. */
export function masked(mark: SecretMark | undefined): string {
  if (!mark?.set) return "None";
  return `••••••••${(mark.hint ?? "").replace(/^[•*.…]+/, "")}`;
}

/** When the token before stops being taken, in hours after there is a new one. */
export const OVERLAPS: { value: string; label: string }[] = [
  { value: "0", label: "Now" },
  { value: "1", label: "In 1 h" },
  { value: "24", label: "In 24 h" },
  { value: "168", label: "In 7 days" },
];

/** A word of a POSIX shell that is this text, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A message to the channel as one types it into a terminal. */
export function curlExample(channel: Pick<ChannelSetup, "inbound_url" | "settings">, token: string): string {
  const who =
    channel.settings.version === "2"
      ? { contact_id: "customer-4512", email: "ann@example.com" }
      : { email: "ann@example.com" };
  const body = JSON.stringify({ id: "1", ...who, name: "Ann", body: "Hello from the other side" });
  return [
    `curl ${quoted(channel.inbound_url ?? "")}`,
    `-H 'Content-Type: application/json'`,
    `-H ${quoted(`API-SECURITY-TOKEN: ${token}`)}`,
    `-d ${quoted(body)}`,
  ].join(" \\\n  ");
}
