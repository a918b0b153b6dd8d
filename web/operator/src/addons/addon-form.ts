// The API add-on is an endpoint that speaks the form "userlike". Its page holds only what an admin who comes from there
// knows; everything else of the endpoint stays as it is.

import { ApiError } from "../api/error.ts";
import type { Dialect, DialectEvent, Endpoint, EndpointInput } from "../api/types.ts";
import { isTold } from "../settings/dialects.ts";
import { type HeaderLine, headersChange, inputOf, valuesOf } from "../settings/endpoint-form.ts";

export const ADDON_DIALECT = "userlike";
export const ADDON_NAME = "API add-on";

export interface AddonValues {
  url: string;
  version: string;
  events: string[];
  headers: HeaderLine[];
}

/** The one that carries the name, or else the first that speaks the form; and all others that do. */
export function addonOf(endpoints: Endpoint[]): { endpoint: Endpoint | null; others: Endpoint[] } {
  const speaking = endpoints.filter((each) => each.dialect === ADDON_DIALECT).sort((a, b) => a.id - b.id);
  const endpoint = speaking.find((each) => each.name === ADDON_NAME) ?? speaking[0] ?? null;
  return { endpoint, others: speaking.filter((each) => each !== endpoint) };
}

export function addonValues(endpoint: Endpoint | null, dialect: Dialect): AddonValues {
  const { url, version, events, headers } = valuesOf(endpoint, [dialect]);
  // An endpoint that hears everything has no list.
  return {
    url,
    version,
    headers,
    events: events.length > 0 ? events : dialect.events.map(({ name }) => name),
  };
}

/** What is changed of the endpoint. Throws when no event is left: to the server that would mean every one. */
export function addonInput(
  values: AddonValues,
  endpoint: Endpoint | null,
  dialect: Dialect,
): Partial<EndpointInput> {
  // The server refuses an event that the chosen form does not have.
  const names = dialect.events.filter((event) => isTold(event, values.version)).map(({ name }) => name);
  if (!names.some((name) => values.events.includes(name))) {
    const detail = "Choose at least one. To hear nothing at all, pause the add-on.";
    throw new ApiError(422, "field.invalid", detail, { field: "events" });
  }
  const whole = names.every((name) => values.events.includes(name));
  return {
    url: values.url.trim(),
    dialect_version: values.version,
    // Who hears everything, and what a later version adds, goes on doing so until something is taken away.
    events:
      whole && endpoint?.events.length === 0 ? [] : names.filter((name) => values.events.includes(name)),
    ...headersChange(values.headers, addonValues(endpoint, dialect).headers),
  };
}

export function newAddon(values: AddonValues, dialect: Dialect): EndpointInput {
  const plain = inputOf({ ...valuesOf(null, [dialect]), name: ADDON_NAME });
  return { ...plain, ...addonInput(values, null, dialect) };
}

export interface EventGroup {
  type: string;
  title: string;
  events: DialectEvent[];
}

const TITLES: Record<string, string> = {
  chat_session: "Sessions",
  conversation: "Conversations",
  operator: "Operators",
  um_widget: "Widgets",
};

/** Events by what they are about, in the order of the reference. */
export function eventGroups(events: DialectEvent[]): EventGroup[] {
  const groups = new Map<string, EventGroup>();
  for (const event of events) {
    const type = event.name.split(".", 1)[0] ?? "";
    const group = groups.get(type) ?? { type, title: TITLES[type] ?? type, events: [] };
    group.events.push(event);
    groups.set(type, group);
  }
  return [...groups.values()];
}

/** "userlike" for the newest form, "userlike/2014" for an older one. */
export function formName(version: string, newest: string | undefined): string {
  return version === newest ? ADDON_DIALECT : `${ADDON_DIALECT}/${version}`;
}
