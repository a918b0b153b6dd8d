// How mails and what the audit log knows are called for people.

import type { MailKind, MailState } from "./api.ts";

export const KIND_NAMES: Record<MailKind, string> = {
  transcript: "Transcript",
  missed: "Missed messages",
  reauth: "Sign-in",
};

const STATES: Record<MailState, { label: string; tone: string }> = {
  queued: { label: "Waiting", tone: "accent" },
  sent: { label: "Sent", tone: "good" },
  failed: { label: "Not sent", tone: "bad" },
  dropped: { label: "Dropped", tone: "" },
};

export const STATE_CHOICES = (Object.entries(STATES) as [MailState, { label: string }][]).map(
  ([value, { label }]) => ({ value, label }),
);

/** A mail that waits for a reason is tried again, or waits for somebody. */
export function stateOf(mail: { state: MailState; reason: string }): { label: string; tone: string } {
  if (mail.state === "queued" && mail.reason) return { label: "Delayed", tone: "warn" };
  return STATES[mail.state] ?? { label: mail.state, tone: "" };
}

const WHO: Record<string, string> = {
  operator: "Operator",
  contact: "Contact",
  token: "API token",
  address: "Address",
  widget: "Widget",
  conversation: "Conversation",
  system: "The server",
};

/** "operator:3" as one reads it; names are known for operators only. */
export function whoIs(word: string, operatorName: (id: number) => string | undefined): string {
  const [kind = "", ...more] = word.split(":");
  const rest = more.join(":");
  if (kind === "operator" && operatorName(Number(rest))) return operatorName(Number(rest)) as string;
  const name = WHO[kind];
  if (!name) return word;
  return rest ? `${name} ${rest}` : name;
}

const ACTIONS: Record<string, string> = {
  "reauth.locked": "Sign-in by mail was locked",
  "contact.erased": "A contact's data was deleted",
};

/** What happened, in words; the code itself for what this page does not know. */
export function actionName(action: string): string {
  return ACTIONS[action] ?? action;
}
