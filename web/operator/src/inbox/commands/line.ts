// The composer's command line, without anything of the page: what is a command, and what may stand there next.

import type { Command, GroupWithMembers, OperatorFull, Role, TagCount } from "../../api/types.ts";

export interface CommandLine {
  prefix: string;
  /** As typed; empty right behind the prefix. */
  name: string;
  /** What stands behind the name's space; null while the name is still being typed. */
  rest: string | null;
}

const LINE = /^([$/!])(\p{L}[\p{L}\d._-]*)?(?:\s([\s\S]*))?$/u;

/** The line as a command, or null when it cannot be one: prices, paths and shouting stay text. */
export function parseLine(text: string): CommandLine | null {
  const found = LINE.exec(text.trimStart());
  if (!found) return null;
  const [, prefix = "", name = "", rest] = found;
  if (name === "" && rest !== undefined) return null;
  return { prefix, name, rest: rest ?? null };
}

/** True for text that has to be asked about before it could reach a contact. */
export function looksLikeCommand(text: string): boolean {
  return (parseLine(text)?.name ?? "") !== "";
}

const STUCK = /^[$/!](\p{L}[\p{L}\d_-]*)[^\p{L}\d_\-\s/]/u;

/** The name at the beginning when something is stuck to it, as in "$note: …"; "/tag/new" is an address. */
export function stuckName(text: string): string | null {
  return STUCK.exec(text.trimStart())?.[1] ?? null;
}

export function findCommand(commands: Command[], name: string): Command | undefined {
  const wanted = name.toLowerCase();
  return commands.find(
    (command) =>
      command.name.toLowerCase() === wanted ||
      command.aliases.some((alias) => alias.toLowerCase() === wanted),
  );
}

export function allowed(commands: Command[], role: Role): Command[] {
  return commands.filter((command) => command.permission !== "admin" || role === "admin");
}

/** Whether the command can do without what stands behind its name: nothing does, or it is given in brackets. */
export function needsArgument(command: Command): boolean {
  return command.argument !== "none" && command.args.trim() !== "" && !command.args.trim().startsWith("[");
}

export interface Suggestion {
  id: string;
  label: string;
  /** Beside the label: arguments of a command, presence of an operator. */
  detail: string;
  help: string;
  /** The whole line once it is taken. */
  line: string;
  /** Given for what is fetched before it stands there; then the line is what is there now. */
  insert?: () => void;
}

export interface Completion {
  kind: "command" | "person" | "group" | "tag" | "topic" | "saved";
  items: Suggestion[];
  /** The suggestion that Enter takes before anybody chose one; null when what is typed may stand as it is. */
  first: number | null;
}

export interface Sources {
  commands: Command[];
  operators: OperatorFull[];
  groups: GroupWithMembers[];
  /** In use anywhere, and on this conversation. */
  tags: TagCount[];
  ownTags: string[];
  topics: string[];
}

const PRESENCE = { online: 0, away: 1, offline: 2 };
const MOST = 8;

function rank(command: Command, typed: string): number {
  const name = command.name.toLowerCase();
  if (name === typed) return 0;
  if (name.startsWith(typed)) return 1;
  if (command.aliases.some((alias) => alias.toLowerCase().startsWith(typed))) return 2;
  return name.includes(typed) ? 3 : 4;
}

function commandsFor({ prefix, name }: CommandLine, commands: Command[]): Completion | null {
  const typed = name.toLowerCase();
  const items = commands
    .map((command) => ({ command, rank: rank(command, typed) }))
    .filter((each) => each.rank < 4)
    .sort((a, b) => a.rank - b.rank)
    .map(
      ({ command }): Suggestion => ({
        id: `command-${command.name}`,
        label: prefix + command.name,
        detail: command.args,
        help: command.help,
        line: prefix + command.name + (needsArgument(command) ? " " : ""),
      }),
    );
  return items.length > 0 ? { kind: "command", items, first: 0 } : null;
}

/** Whether the text, or one of its words, begins with what is typed. */
function begins(text: string, typed: string): boolean {
  const words = text.toLocaleLowerCase().split(/\s+/);
  return words.some((_, index) => words.slice(index).join(" ").startsWith(typed));
}

/** A tag as the line takes it: quotes hold one with blanks together. */
function quoted(tag: string): string {
  return /[\s,"“”„]/.test(tag) ? `"${tag.replace(/["\\]/g, "\\$&")}"` : tag;
}

/** The last word of a list that is parted by blanks or commas, and what stands before it. Quotes may still be open. */
function lastWord(list: string): { before: string; word: string } {
  let start = 0;
  let open = false;
  for (let at = 0; at < list.length; at += 1) {
    const letter = list[at] ?? "";
    if (open && letter === "\\") at += 1;
    else if (letter === '"') open = !open;
    else if (!open && /[\s,]/.test(letter)) start = at + 1;
  }
  return { before: list.slice(0, start), word: list.slice(start).replace(/^"|"$/g, "") };
}

function people(typed: string, { operators, groups }: Sources): Omit<Suggestion, "line">[] {
  const active = operators.filter((person) => person.active);
  const sameName = (name: string) => active.filter((person) => person.name === name).length > 1;
  return [
    ...active
      .filter((person) => begins(person.name, typed) || person.email.toLocaleLowerCase().startsWith(typed))
      .sort((a, b) => PRESENCE[a.status] - PRESENCE[b.status] || a.name.localeCompare(b.name))
      .map((person) => ({
        id: `operator-${person.id}`,
        label: sameName(person.name) ? person.email : person.name,
        detail: `${person.status} · ${person.open_conversations}/${person.slots}`,
        help: "",
      })),
    ...groupsFor(typed, groups),
  ];
}

function groupsFor(typed: string, groups: GroupWithMembers[]): Omit<Suggestion, "line">[] {
  return groups
    .filter((group) => begins(group.name, typed))
    .map((group) => ({
      id: `group-${group.id}`,
      label: group.name,
      detail: group.operator_ids.length === 1 ? "1 operator" : `${group.operator_ids.length} operators`,
      help: "",
    }));
}

function tagsFor(rest: string, own: boolean, sources: Sources): Omit<Suggestion, "line">[] {
  const { before, word } = lastWord(rest);
  const typed = word.toLocaleLowerCase();
  const mine = new Set(sources.ownTags.map((tag) => tag.toLocaleLowerCase()));
  const from = own ? sources.ownTags.map((tag) => ({ tag, count: 0 })) : sources.tags;
  return from
    .filter(({ tag }) => own || !mine.has(tag.toLocaleLowerCase()))
    .filter(({ tag }) => begins(tag, typed) && !before.includes(quoted(tag)))
    .map(({ tag, count }) => ({
      id: `tag-${tag}`,
      label: tag,
      detail: count === 0 ? "" : count === 1 ? "1 conversation" : `${count} conversations`,
      help: "",
    }));
}

function argumentsFor(line: CommandLine, command: Command, sources: Sources): Completion | null {
  const rest = line.rest ?? "";
  const typed = rest.trim().toLocaleLowerCase();
  const head = `${line.prefix}${line.name} `;
  const offer = (
    kind: Completion["kind"],
    found: Omit<Suggestion, "line">[],
    whole: (label: string) => string,
    must: boolean,
  ): Completion | null => {
    const items = found.slice(0, MOST).map((each) => ({ ...each, line: head + whole(each.label) }));
    const now = (head + rest.trim()).toLocaleLowerCase();
    const exact = items.some((item) => item.line.trim().toLocaleLowerCase() === now);
    // What is typed in full needs no list.
    if (items.length === 0 || (exact && items.length === 1)) return null;
    return { kind, items, first: must && typed !== "" && !exact ? 0 : null };
  };
  switch (command.argument) {
    case "operator":
      return offer("person", people(typed, sources), (name) => `${name} `, true);
    case "group":
      return offer("group", groupsFor(typed, sources.groups), (name) => `${name} `, true);
    case "tag": {
      const { before } = lastWord(rest);
      return offer(
        "tag",
        tagsFor(rest, command.name === "untag", sources),
        (tag) => `${before}${quoted(tag)} `,
        false,
      );
    }
    case "topic":
      return offer(
        "topic",
        sources.topics
          .filter((topic) => begins(topic, typed))
          .map((topic) => ({ id: `topic-${topic}`, label: topic, detail: "", help: "" })),
        (topic) => topic,
        false,
      );
    default:
      return null;
  }
}

/** What may stand at the end of the text, or null when there is nothing to offer. */
export function complete(text: string, sources: Sources): Completion | null {
  const line = parseLine(text);
  if (!line) return null;
  if (line.rest === null) {
    const known = findCommand(sources.commands, line.name);
    const found = commandsFor(line, sources.commands);
    // A command that is typed in full and needs nothing else is ready to run.
    if (known && !needsArgument(known) && found?.items.length === 1) return null;
    return found;
  }
  const command = findCommand(sources.commands, line.name);
  return command && !line.rest.includes("\n") ? argumentsFor(line, command, sources) : null;
}
