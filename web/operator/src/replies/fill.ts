// The variables of a saved text. The server fills them; this is for the editor, which shows the text while it is written.

export interface Vars {
  name: string;
  email: string;
  operator: string;
  widget: string;
}

export const VARIABLES: { name: keyof Vars; meaning: string }[] = [
  { name: "name", meaning: "the contact's name; left out with the comma before it while nobody knows it" },
  { name: "email", meaning: "the contact's e-mail address" },
  { name: "operator", meaning: "the name of who sends the text" },
  { name: "widget", meaning: "the name of the widget" },
];

/** As the server reads them: a word in braces. Longer ones, and anything else in braces, are text. */
const WORD = /\{([\p{L}\p{Nd}_-]{1,40})\}/gu;

function isVariable(word: string): word is keyof Vars {
  return VARIABLES.some(({ name }) => name === word);
}

/** The words in braces that stand for nothing, each once, with their braces. */
export function unknownVariables(body: string): string[] {
  const words = [...body.matchAll(WORD)].filter(([, word = ""]) => !isVariable(word)).map(([text]) => text);
  return [...new Set(words)];
}

/**
 * The text with its variables replaced. A {name} without a name takes ", " or a blank before it away, too; at the
 * beginning of a line it takes what follows. What stands in a value is never a variable itself.
 */
export function fill(body: string, vars: Vars): string {
  let out = "";
  let from = 0;
  let take = false;
  const add = (text: string) => {
    if (take && text !== "") {
      const rest = text.replace(/^,/, "").replace(/^ /, "");
      out += rest.charAt(0).toUpperCase() + rest.slice(1);
      take = false;
    } else out += text;
  };
  for (const match of body.matchAll(WORD)) {
    const [whole, word = ""] = match;
    add(body.slice(from, match.index));
    from = match.index + whole.length;
    take = false;
    if (!isVariable(word)) out += whole;
    else if (word !== "name" || vars.name !== "") out += vars[word];
    else {
      const before = out.replace(/ $/, "");
      out = before.length < out.length ? before.replace(/,$/, "") : out;
      take = out === "" || out.endsWith("\n");
    }
  }
  add(body.slice(from));
  return out;
}
