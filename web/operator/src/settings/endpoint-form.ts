// What the endpoint's form holds, and how it becomes what the API takes.

import { ApiError, type FieldFault } from "../api/error.ts";
import type { Dialect, Endpoint, EndpointInput, Policy, Treatment } from "../api/types.ts";

export interface HeaderLine {
  name: string;
  value: string;
}

export interface EndpointValues {
  name: string;
  url: string;
  dialect: string;
  version: string;
  everyEvent: boolean;
  events: string[];
  everyWidget: boolean;
  widgets: string[];
  everyGroup: boolean;
  groups: string[];
  headers: HeaderLine[];
  timeout: string;
  atOnce: string;
  perSecond: string;
  success: Endpoint["success"];
  privately: "allowed" | "none" | "some";
  ranges: string;
  policy: Policy;
  switches: string[];
}

export function valuesOf(endpoint: Endpoint | null, dialects: Dialect[]): EndpointValues {
  const dialect = dialects.find((each) => each.name === endpoint?.dialect) ?? dialects[0];
  const ranges = endpoint?.private_ranges ?? null;
  return {
    name: endpoint?.name ?? "",
    url: endpoint?.url ?? "",
    dialect: endpoint?.dialect ?? dialect?.name ?? "standard",
    version: endpoint?.dialect_version ?? dialect?.version ?? "",
    everyEvent: (endpoint?.events ?? []).length === 0,
    events: endpoint?.events ?? [],
    everyWidget: (endpoint?.widgets ?? []).length === 0,
    widgets: (endpoint?.widgets ?? []).map(String),
    everyGroup: (endpoint?.groups ?? []).length === 0,
    groups: (endpoint?.groups ?? []).map(String),
    headers: Object.entries(endpoint?.headers ?? {}).map(([name, value]) => ({ name, value })),
    timeout: String(endpoint?.timeout_seconds ?? 15),
    atOnce: String(endpoint?.in_flight_limit ?? 16),
    perSecond: endpoint?.rate_limit ? String(endpoint.rate_limit) : "",
    success: endpoint?.success ?? "dialect",
    privately: ranges === null ? "allowed" : ranges.length === 0 ? "none" : "some",
    ranges: (ranges ?? []).join("\n"),
    policy: endpoint?.policy ?? { name: "keep", email: "keep", ip: "keep", text: "keep" },
    switches: endpoint?.switches ?? [],
  };
}

/** Throws what the server could not tell, because it would never see it: an empty choice means "all" to it. */
export function inputOf(values: EndpointValues): Omit<EndpointInput, "headers"> {
  const errors: FieldFault[] = [];
  const fault = (field: string, detail: string) => errors.push({ field, code: "field.invalid", detail });
  const whole = (field: string, text: string) => {
    if (!/^\d{1,9}$/.test(text.trim())) fault(field, "Write a whole number.");
    return Number(text);
  };
  const some = <Item>(field: string, every: boolean, chosen: Item[]) => {
    if (every) return [];
    if (chosen.length === 0) fault(field, "Choose at least one.");
    return chosen;
  };
  const ranges = values.ranges.split(/[\s,]+/).filter(Boolean);
  if (values.privately === "some" && ranges.length === 0)
    fault("private_ranges", "Write at least one range.");
  const input = {
    name: values.name.trim(),
    url: values.url.trim(),
    dialect: values.dialect,
    dialect_version: values.version,
    events: some("events", values.everyEvent, values.events),
    widgets: some("widgets", values.everyWidget, values.widgets).map(Number),
    groups: some("groups", values.everyGroup, values.groups).map(Number),
    timeout_seconds: whole("timeout_seconds", values.timeout),
    in_flight_limit: whole("in_flight_limit", values.atOnce),
    rate_limit: whole("rate_limit", values.perSecond.trim() || "0"),
    success: values.success,
    private_ranges: values.privately === "allowed" ? null : values.privately === "none" ? [] : ranges,
    policy: values.policy,
    switches: [...values.switches].sort(),
  };
  if (errors.length > 0)
    throw new ApiError(422, "request.invalid", "Some fields need a correction.", { errors });
  return input;
}

/** What its widget decides of a webhook, and nobody else. */
const OF_THE_WIDGET = ["dialect", "events", "widgets", "switches"] as const;

/** What the form may change of an endpoint that there is. */
export function changeOf(
  input: Omit<EndpointInput, "headers">,
  endpoint: Endpoint,
): Partial<Omit<EndpointInput, "headers">> {
  if (!endpoint.hook) return input;
  const change: Partial<typeof input> = { ...input };
  for (const field of OF_THE_WIDGET) delete change[field];
  return change;
}

/** How the server shows a value that it keeps to itself; sent back it stays as it is. */
export const MASK = "***";

/** Headers as the API takes them, when they were touched. */
export function headersChange(lines: HeaderLine[], before: HeaderLine[]): Pick<EndpointInput, "headers"> {
  const same = JSON.stringify(lines) === JSON.stringify(before);
  return same ? {} : { headers: headersOf(lines) };
}

export function headersOf(lines: HeaderLine[]): { [name: string]: string } {
  return Object.fromEntries(
    lines.filter((line) => line.name.trim() !== "").map((line) => [line.name.trim(), line.value]),
  );
}

export const TREATMENTS: { value: Treatment; label: string }[] = [
  { value: "keep", label: "Keep" },
  { value: "hash", label: "Hash" },
  { value: "remove", label: "Remove" },
];

export const PERSONAL: { part: keyof Policy; label: string; meaning: Record<Treatment, string> }[] = [
  {
    part: "name",
    label: "Name",
    meaning: {
      keep: "The receiver gets the visitor's name.",
      hash: "A code takes the place of the name: always the same for the same name, but nobody can read it.",
      remove: "No name is sent.",
    },
  },
  {
    part: "email",
    label: "E-mail and phone",
    meaning: {
      keep: "The receiver gets the e-mail address and the phone number.",
      hash: "Codes take their place: enough to recognise a person who is known, not to write to one.",
      remove: "Neither is sent.",
    },
  },
  {
    part: "ip",
    label: "IP address",
    meaning: {
      keep: "The receiver gets the address of the visitor's connection.",
      hash: "A code takes its place: calls from one connection can be told to belong together.",
      remove: "No address is sent.",
    },
  },
  {
    part: "text",
    label: "Text and custom data",
    meaning: {
      keep: "The receiver gets messages, notes, the topic and a contact's custom data.",
      hash: "Codes take their place: the receiver learns that something was written, not what.",
      remove: "Messages and notes are sent without their text, contacts without custom data.",
    },
  },
];
