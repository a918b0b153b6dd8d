import type { Facts } from "./http";
import type { Claimed, ContactInfo } from "./shell";

// What a page tells about its visitor, made fit for the server. Loaded when a page first does that.

/** Facts that wait until there is somebody to tell them of. */
export interface Told extends Pick<Facts, "custom" | "claimed"> {
  contact?: Omit<Facts, "custom" | "claimed">;
}

/** One wrong field would refuse the message that carries it. */
const cut = (value: unknown) => `${value ?? ""}`.slice(0, 200);

function contactOf(info: ContactInfo | undefined, told: Told): Facts {
  const given: Facts = {};
  for (const name of ["name", "email", "phone"] satisfies ("name" | "email" | "phone")[]) {
    const value = info?.[name];
    if (typeof value === "string") given[name] = value;
  }
  const free = [info?.additional01, info?.additional02, info?.additional03].map((one, i) =>
    one == null
      ? (told.contact?.additional?.[i] ?? null)
      : typeof one === "object"
        ? { name: cut(one.name), value: cut(one.value) }
        : { name: "", value: cut(one) },
  );
  if (free.some(Boolean)) given.additional = free;
  if (info?.custom) given.custom = info.custom;
  return given;
}

/** Throws on what can not be sent, for it would hold up every message. What comes back is a copy. */
export function read(kind: "contact" | "custom" | "claimed", value: unknown, told: Told): Facts {
  let facts: Facts;
  if (kind === "contact") facts = contactOf(value as ContactInfo, told);
  else if (kind === "custom") facts = { custom: (value as Facts["custom"]) ?? {} };
  else {
    const { id, traits } = value as Claimed;
    facts = { claimed: { id: cut(id), traits: traits ?? {} } };
  }
  return JSON.parse(JSON.stringify(facts));
}

export function merge(told: Told, { custom, claimed, ...contact }: Facts): Told {
  return {
    ...told,
    ...(Object.keys(contact).length && { contact: { ...told.contact, ...contact } }),
    ...(custom && { custom: { ...told.custom, ...custom } }),
    ...(claimed && { claimed }),
  };
}
