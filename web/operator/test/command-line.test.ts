import { describe, expect, it } from "vitest";
import type { Command, GroupWithMembers, TagCount } from "../src/api/types.ts";
import {
  allowed,
  complete,
  findCommand,
  looksLikeCommand,
  needsArgument,
  parseLine,
  type Sources,
  stuckName,
} from "../src/inbox/commands/line.ts";
import { operator } from "./samples.ts";

function command(name: string, more: Partial<Command> = {}): Command {
  return {
    name,
    aliases: [],
    args: "",
    help: `About ${name}.`,
    argument: "none",
    permission: "operator",
    ...more,
  };
}

const COMMANDS = [
  command("api", { aliases: ["send-to-api"], args: "[on|off]", argument: "text" }),
  command("end", { aliases: ["x", "close"] }),
  command("forward", { args: "NAME [NOTE]", argument: "operator" }),
  command("group", { args: "NAME [NOTE]", argument: "group" }),
  command("name", { args: "NAME", argument: "text" }),
  command("topic", { args: "TEXT", argument: "topic" }),
  command("tag", { args: "TAG [TAG …]", argument: "tag" }),
  command("untag", { args: "TAG [TAG …]", argument: "tag" }),
  command("purge", { permission: "admin" }),
];
const person = (id: number, name: string, status: "online" | "away" = "online") => ({
  ...operator(id),
  name,
  email: `${name.split(" ")[0]?.toLowerCase()}${id}@example.com`,
  status,
});
const GROUPS: GroupWithMembers[] = [{ id: 1, name: "Orders and returns", operator_ids: [1, 2] }];
const TAGS: TagCount[] = [
  { tag: "vip", count: 4 },
  { tag: "two words", count: 1 },
  { tag: "invoice", count: 2 },
];
const sources = (more: Partial<Sources> = {}): Sources => ({
  commands: COMMANDS,
  operators: [person(1, "Ben Ortiz", "away"), person(2, "Ann Berg"), person(3, "Ann Okafor")],
  groups: GROUPS,
  tags: TAGS,
  ownTags: ["invoice"],
  topics: ["Delivery", "Late delivery"],
  ...more,
});
const lines = (text: string, more?: Partial<Sources>) =>
  complete(text, sources(more))?.items.map((item) => item.line) ?? null;

describe("a command line", () => {
  it("begins with one of three signs and a word", () => {
    expect(parseLine("$api")).toEqual({ prefix: "$", name: "api", rest: null });
    expect(parseLine("/forward ann please")).toEqual({ prefix: "/", name: "forward", rest: "ann please" });
    expect(parseLine("  !note two\nlines")).toEqual({ prefix: "!", name: "note", rest: "two\nlines" });
    expect(parseLine("$")).toEqual({ prefix: "$", name: "", rest: null });
    expect(parseLine("$tag ")?.rest).toBe("");
  });

  it("is no price, no path, no shout and nothing in the middle of a text", () => {
    for (const text of [
      "$50 is fine",
      "$ api",
      "/shop/lamps",
      "!!!",
      "! no",
      "see $api",
      "",
      "¡hola!",
      "//x",
    ])
      expect(looksLikeCommand(text), text).toBe(false);
    for (const text of ["$api", "/x", "!end", "$additional01 gold", " $api", "$any.json", "/send-to-api"])
      expect(looksLikeCommand(text), text).toBe(true);
  });

  it("finds by name and alias, whatever the case", () => {
    expect(findCommand(COMMANDS, "CLOSE")?.name).toBe("end");
    expect(findCommand(COMMANDS, "Api")?.name).toBe("api");
    expect(findCommand(COMMANDS, "apix")).toBeUndefined();
  });

  it("knows what cannot run without an argument", () => {
    expect(COMMANDS.filter(needsArgument).map((each) => each.name)).toEqual([
      "forward",
      "group",
      "name",
      "topic",
      "tag",
      "untag",
    ]);
  });

  it("hides what only administrators may do", () => {
    expect(allowed(COMMANDS, "operator").some((each) => each.name === "purge")).toBe(false);
    expect(allowed(COMMANDS, "admin").some((each) => each.name === "purge")).toBe(true);
  });

  it("survives whatever is typed, and never offers a line that is no command", () => {
    const letters = [
      "$",
      "/",
      "!",
      "a",
      "p",
      "i",
      "t",
      "g",
      " ",
      "\n",
      '"',
      "\\",
      ",",
      "ß",
      "👋",
      "1",
      "-",
      ".",
    ];
    let seed = 7;
    const next = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed;
    };
    for (let round = 0; round < 5000; round += 1) {
      const start = ["", "$", "$tag ", "$forward ", "/topic ", "!group "][next() % 6] ?? "";
      const text =
        start + Array.from({ length: next() % 9 }, () => letters[next() % letters.length]).join("");
      const found = complete(text, sources());
      for (const item of found?.items ?? []) expect(looksLikeCommand(item.line), text).toBe(true);
      expect(found === null || found.items.length > 0).toBe(true);
    }
  });
});

describe("the list under a command", () => {
  it("filters while the name is typed and keeps the sign", () => {
    expect(lines("/")?.length).toBe(COMMANDS.length);
    expect(lines("/fo")).toEqual(["/forward "]);
    expect(lines("!a")?.[0]).toBe("!api");
    expect(lines("$cl")).toEqual(["$end"]);
    expect(lines("$zzz")).toBeNull();
  });

  it("puts what begins like it before what only contains it", () => {
    expect(lines("$tag")).toEqual(["$tag ", "$untag "]);
  });

  it("is gone once a line is complete", () => {
    expect(lines("$api")).toBeNull();
    expect(lines("$end")).toBeNull();
    expect(lines("$forward Ben Ortiz ")).toBeNull();
    expect(lines("$forward Ben Ortiz please")).toBeNull();
  });

  it("offers operators, those online first, and groups", () => {
    expect(lines("$forward ")).toEqual([
      "$forward Ann Berg ",
      "$forward Ann Okafor ",
      "$forward Ben Ortiz ",
      "$forward Orders and returns ",
    ]);
    expect(lines("$forward ok")).toEqual(["$forward Ann Okafor "]);
    expect(lines("$forward ann2@")).toEqual(["$forward Ann Berg "]);
    expect(lines("$group ret")).toEqual(["$group Orders and returns "]);
  });

  it("takes the first of them with Enter only when something was typed", () => {
    expect(complete("$forward ", sources())?.first).toBeNull();
    expect(complete("$forward be", sources())?.first).toBe(0);
    // A tag or a topic may be a new one: nothing is put in its place unasked.
    expect(complete("$tag vi", sources())?.first).toBeNull();
    expect(complete("$topic del", sources())?.first).toBeNull();
  });

  it("writes the address of an operator whose name is not the only one", () => {
    const operators = [person(1, "Ann Berg"), person(2, "Ann Berg")];
    expect(lines("$forward ann b", { operators, groups: [] })).toEqual([
      "$forward ann1@example.com ",
      "$forward ann2@example.com ",
    ]);
  });

  it("completes the last of several tags, in quotes where a blank is in it", () => {
    expect(lines("$tag ")).toEqual(["$tag vip ", '$tag "two words" ']);
    expect(lines("$tag new, vi")).toEqual(["$tag new, vip "]);
    expect(lines("$tag vip tw")).toEqual(['$tag vip "two words" ']);
    expect(lines('$tag vip "two w')).toEqual(['$tag vip "two words" ']);
    expect(lines("$tag vip ")).toEqual(['$tag vip "two words" ']);
  });

  it("takes off only what is on", () => {
    expect(lines("$untag ")).toEqual(["$untag invoice "]);
    expect(lines("$untag v")).toBeNull();
  });

  it("offers topics that are in use", () => {
    expect(lines("$topic del")).toEqual(["$topic Delivery", "$topic Late delivery"]);
    expect(lines("$name del")).toBeNull();
  });
});

describe("a name with something stuck to it", () => {
  it("is asked about, for it was meant as the command", () => {
    for (const [text, name] of [
      ["$note: they are cross", "note"],
      ["$forward, Ann", "forward"],
      ["!end!", "end"],
      ['/tag"x"', "tag"],
    ])
      expect(stuckName(text ?? "")).toBe(name);
  });
  it("is no address, no price and no plain word", () => {
    for (const text of ["/shop/lamps", "$5, please", "$note they are cross", "$note", "hello $note:"])
      expect(stuckName(text)).toBeNull();
  });
});
