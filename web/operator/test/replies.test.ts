import { describe, expect, it } from "vitest";
import { ApiError } from "../src/api/error.ts";
import type { Reply, ReplyKind } from "../src/replies/api.ts";
import { fill, unknownVariables, type Vars } from "../src/replies/fill.ts";
import { matching } from "../src/replies/matching.ts";
import { type ReplyValues, replyInput, replyValues, shortcutOf } from "../src/replies/reply-form.ts";
import { kindOf } from "../src/replies/words.ts";

const VARS: Vars = { name: "Ann", email: "ann@example.org", operator: "Ada", widget: "Shop" };
const nobody = { ...VARS, name: "", email: "" };

describe("the variables of a text", () => {
  it("are filled", () => {
    expect(fill("Hi {name}, {operator} of {widget} writes to {email}.", VARS)).toBe(
      "Hi Ann, Ada of Shop writes to ann@example.org.",
    );
    expect(fill("{name}{name} {{name}} {} { name } {Name} {other}", VARS)).toBe(
      "AnnAnn {Ann} {} { name } {Name} {other}",
    );
  });

  // The cases of internal/reply/fill.go: the preview must not say something else than what is sent.
  it("a name that nobody knows goes with what stands before it", () => {
    expect(fill("Hi {name},\nhow are you?", nobody)).toBe("Hi,\nhow are you?");
    expect(fill("I am sorry, {name}.", nobody)).toBe("I am sorry.");
    expect(fill("{name}, hello!", nobody)).toBe("Hello!");
    expect(fill("Good day\n{name}, hello!", nobody)).toBe("Good day\nHello!");
    expect(fill("Dear {name}: {email}", nobody)).toBe("Dear: ");
    expect(fill("({name})", nobody)).toBe("()");
    expect(fill("{name}", nobody)).toBe("");
  });

  it("what stands in a value is no variable", () => {
    expect(fill("Hi {name}", { ...VARS, name: "{email} $& $1" })).toBe("Hi {email} $& $1");
  });

  it("unknown ones are found, each once", () => {
    expect(unknownVariables("{name} {colour} {size} {colour} {not one} {größe}")).toEqual([
      "{colour}",
      "{size}",
      "{größe}",
    ]);
    expect(unknownVariables(`{${"a".repeat(41)}} {}`)).toEqual([]);
  });
});

describe("the form of a saved text", () => {
  const faults = (values: ReplyValues, kind: ReplyKind) => {
    try {
      replyInput(values, kind);
    } catch (error) {
      if (error instanceof ApiError) return Object.fromEntries(error.byField());
    }
    return {};
  };

  it("is trimmed, and a reply has no answers", () => {
    const values = { shortcut: " #Hello ", title: " Greeting ", body: " Hi {name} ", options: [" Yes "] };
    expect(replyInput(values, "reply")).toEqual({
      kind: "reply",
      shortcut: "hello",
      title: "Greeting",
      body: "Hi {name}",
      options: [],
    });
    expect(replyInput(values, "question").options).toEqual(["Yes"]);
  });

  it("names each fault at its field", () => {
    const values = {
      shortcut: "two words",
      title: "",
      body: "Is it {colour}?",
      options: ["Yes", "", "Yes "],
    };
    expect(faults(values, "question")).toEqual({
      shortcut: "Up to 40 letters, digits, dots, dashes and underscores; no blanks.",
      body: "{colour} stands for nothing. The variables are {name}, {email}, {operator}, {widget}.",
      "options[1]": "Write the answer, or remove it.",
      "options[2]": "This answer is there already.",
    });
    expect(Object.keys(faults({ ...replyValues(null, "question"), options: [] }, "question"))).toEqual([
      "shortcut",
      "body",
      "options",
    ]);
    expect(Object.keys(faults(replyValues(null, "reply"), "reply"))).toEqual(["shortcut", "body"]);
  });

  it("a shortcut may be of any script", () => {
    expect(shortcutOf("تحية")).toBe("تحية");
    expect(faults({ shortcut: "größe_1.a-b", title: "", body: "x", options: [] }, "reply")).toEqual({});
  });
});

describe("the list", () => {
  const reply = (shortcut: string, title: string, body: string, options: string[] = []) =>
    ({ shortcut, title, body, options }) as Reply;
  const ALL = [
    reply("broken", "", "Sorry that it says hello no more."),
    reply("hello", "Greeting", "Hi"),
    reply("rooms", "", "Which?", ["Kitchen"]),
  ];

  it("is searched by all words, shortcuts first", () => {
    const found = (q: string) => matching(ALL, q).map(({ shortcut }) => shortcut);
    expect(found(" ")).toEqual(["broken", "hello", "rooms"]);
    expect(found("#HELLO")).toEqual(["hello", "broken"]);
    expect(found("kitchen")).toEqual(["rooms"]);
    expect(found("sorry nothing")).toEqual([]);
  });

  it("is that of its page", () => {
    expect(kindOf("/settings/questions/new")).toBe("question");
    expect(kindOf("/settings/replies")).toBe("reply");
  });
});
