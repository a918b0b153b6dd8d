// Whom a conversation on a channel is begun with, and how it becomes what the API takes.

import { ApiError, type FieldFault } from "../api/error.ts";
import type { Contact } from "../api/types.ts";
import type { ChannelSetup, ContactAddress, StartInput } from "./api.ts";

export type Partner = Pick<Contact, "id" | "email" | "display_name">;

type Version = Pick<ChannelSetup, "id" | "settings">;

/**
 * By what a channel knows people: version 1 by their e-mail address, version 2 by any id. Who is no admin is not told the
 * version; there the address itself says what it is.
 */
export function knownBy(channel: Version | undefined): "email" | "id" | "either" {
  const version = channel?.settings.version;
  return version === "1" ? "email" : version === "2" ? "id" : "either";
}

/** What stands behind an address that the server names "id:…". */
export function plainAddress(address: string): string {
  return address.replace(/^id:/, "");
}

/** Where the contact can be reached on the channel, as far as that is known. */
export function knownAddress(
  channel: Version | undefined,
  contact: Partner | null,
  addresses: ContactAddress[],
): string {
  if (!channel || !contact) return "";
  const here = addresses.findLast((each) => each.channel.id === channel.id);
  if (here) return plainAddress(here.address);
  return knownBy(channel) === "id" ? "" : contact.email;
}

export interface StartValues {
  channel: string;
  address: string;
  name: string;
  body: string;
}

export function startInput(
  values: StartValues,
  channel: Version | undefined,
  contact: Partner | null,
  known: string,
): StartInput {
  const errors: FieldFault[] = [];
  const by = knownBy(channel);
  const address = values.address.trim();
  const body = values.body.trim();
  if (!channel)
    errors.push({ field: "channel_id", code: "field.required", detail: "Choose where to write." });
  if (address === "")
    errors.push({
      field: "address",
      code: "channel.address_missing",
      detail: by === "email" ? "Write an e-mail address." : "Write the address at the other side.",
    });
  if (body === "") errors.push({ field: "body", code: "field.required", detail: "Write the first message." });
  if (errors.length > 0 || !channel)
    throw new ApiError(422, "request.invalid", "Some fields need a correction.", { errors });
  // The address that was offered belongs to the contact; one that was typed may be somebody else's.
  const who =
    contact && known !== "" && address.toLowerCase() === known.toLowerCase()
      ? { contact_id: contact.id, address: known }
      : by === "email" || (by === "either" && address.includes("@"))
        ? { email: address }
        : { address };
  const name = values.name.trim();
  return { channel_id: channel.id, ...who, ...(name !== "" && { name }), body };
}
