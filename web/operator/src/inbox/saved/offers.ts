// Which saved texts are offered while something is typed, without anything of the page.

import type { Command } from "../../api/types.ts";
import type { Reply } from "../../replies/api.ts";
import { matching } from "../../replies/matching.ts";
import type { Completion, Suggestion } from "../commands/line.ts";
import { findCommand, parseLine } from "../commands/line.ts";

/** A saved text in the list, and what stands before it once it is inserted. */
export interface Offer extends Suggestion {
  reply: Reply;
  before: string;
}

export interface Offers extends Completion {
  items: Offer[];
}

const ALONE = /^\s*#([^\n]*)$/;
const AT_END = /^([\s\S]*\s)#(\S*)$/;

function offer(reply: Reply, before: string, line: string): Offer {
  const { id, kind, shortcut, title, body, options } = reply;
  const text = body.replace(/\s+/g, " ");
  return {
    id: `saved-${id}`,
    label: `#${shortcut}`,
    detail: kind === "question" ? ["Question", title].filter(Boolean).join(" · ") : title,
    help: options.length > 0 ? `${text} ${options.join(" / ")}` : text,
    line,
    reply,
    before,
  };
}

function begins({ shortcut, title }: Reply, typed: string): boolean {
  return (
    shortcut.startsWith(typed) ||
    title
      .toLocaleLowerCase()
      .split(/\s+/)
      .some((word) => word.startsWith(typed))
  );
}

/** For a line that begins with #: words may be anywhere in a text. Behind other words only what begins so is meant. */
function inserted(text: string, replies: Reply[]): Offers | null {
  const alone = ALONE.exec(text);
  if (alone) {
    const found = matching(replies, alone[1] ?? "");
    return list(
      found.map((reply) => offer(reply, "", text)),
      0,
    );
  }
  const [, before = "", word = ""] = AT_END.exec(text) ?? [];
  if (before === "") return null;
  const typed = word.toLocaleLowerCase();
  const found = replies.filter((reply) => begins(reply, typed));
  // Enter sends what was written, as in "It is about #hel"; only a whole shortcut is meant for certain.
  const meant = found.findIndex((reply) => reply.shortcut === typed);
  return list(
    found.map((reply) => offer(reply, before, text)),
    meant < 0 ? null : meant,
  );
}

function list(items: Offer[], first: number | null): Offers | null {
  return items.length > 0 ? { kind: "saved", items, first } : null;
}

/** For a command that sends a saved text: its shortcut, or other words by which it is found. */
function named(text: string, replies: Reply[], commands: Command[]): Offers | null {
  const line = parseLine(text);
  if (line?.rest == null) return null;
  const argument = findCommand(commands, line.name)?.argument;
  if (argument !== "reply" && argument !== "question") return null;
  const typed = line.rest.trim().toLocaleLowerCase();
  const own = replies.filter((reply) => reply.kind === argument);
  if (own.some((reply) => reply.shortcut === typed)) return null;
  const found = matching(own, typed);
  const whole = ({ shortcut }: Reply) => `${line.prefix}${line.name} ${shortcut}`;
  return list(
    found.map((reply) => offer(reply, "", whole(reply))),
    typed === "" ? null : 0,
  );
}

/** The answers that an inserted text brings; null when those of what was written before it stay. */
export function answersOf(before: string, options: string[]): string[] | null {
  return options.length > 0 || before.trim() === "" ? options : null;
}

/** What may stand at the end of the text, or null when there is nothing to offer. */
export function offersFor(text: string, replies: Reply[], commands: Command[]): Offers | null {
  return text.trimStart().startsWith("#") || !parseLine(text)
    ? inserted(text, replies)
    : named(text, replies, commands);
}
