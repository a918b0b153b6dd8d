import type { Controller } from "../controller";
import type { Fault } from "../http";
import type { AccountTexts } from "../texts/account";

// What the screen knows about links, codes, addresses and refusals. Pure, but for what is remembered.

/** What came with a link: the secret of a mail, or a conversation alone. */
export type Way = { link: string } | { conversation: number };

/** Reads what the loader took out of the address. null where it is nothing of ours. */
export function wayOf(taken: string | undefined): Way | null {
  const [, name, value = ""] = /^(-conversation)?=(.*)$/.exec(taken ?? "") ?? [];
  if (name) return /^\d{1,15}$/.test(value) ? { conversation: Number(value) } : null;
  return value ? { link: value } : null;
}

/** The server looks closer; this keeps slips from being sent. */
export const isAddress = (text: string): boolean => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text);

/** As long as the secrets of a mail live. */
const HOUR = 3_600_000;
const PLACE = "account";
type Memory = Pick<Controller, "draft" | "setDraft">;

/** The address that a mail was asked for in this browser within the last hour, or "". */
export function askedFor(memory: Memory, now = Date.now()): string {
  const [, at, email] = /^(\d+) (.+)$/.exec(memory.draft(PLACE)) ?? [];
  return email && now - Number(at) < HOUR ? email : "";
}

/** Was a mail asked for, and for this address? */
export const isSame = (asked: string, address: string): boolean =>
  asked !== "" && asked.toLowerCase() === address.toLowerCase();

/** Keeps it, or with "" forgets it. It lies with the drafts: in memory only until the visitor has written. */
export const remember = (memory: Memory, email: string): void =>
  memory.setDraft(email && `${Date.now()} ${email}`, PLACE);

/** A refusal in words. `invalid` is what a wrong link or code is called, `failed` what has no words of its own. */
export function troubleOf(
  { code, status, wait }: Fault,
  texts: AccountTexts,
  failed: string,
  invalid = failed,
): string {
  if (status === 429)
    return `${code === "reauth.locked" ? texts.locked : texts.busy} ${texts.wait(Math.ceil(wait / 60))}`;
  if (code === "reauth.invalid") return invalid;
  if (/^reauth\.|not_offered|server_unset/.test(code)) return texts.off;
  if (status === 422) return texts.wrongEmail;
  return failed;
}
