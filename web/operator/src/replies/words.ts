import type { IconName } from "../design/icons.tsx";
import type { ReplyKind } from "./api.ts";

interface Words {
  home: string;
  title: string;
  one: string;
  icon: IconName;
  intro: string;
  empty: string;
  emptyTitle: string;
  make: string;
  body: string;
}

/** What the pages of the two kinds say. They are one page otherwise. */
export const WORDS: Record<ReplyKind, Words> = {
  reply: {
    home: "/settings/replies",
    title: "Saved replies",
    one: "saved reply",
    icon: "reply",
    intro:
      "Texts that are written again and again. Operators call one by its shortcut: # in the message field.",
    emptyTitle: "No saved reply yet",
    empty: "Write the answer to what visitors ask most, and give it a short word. Everybody can use it.",
    make: "New saved reply",
    body: "Text",
  },
  question: {
    home: "/settings/questions",
    title: "Question groups",
    one: "question group",
    icon: "list",
    intro:
      "A question with ready answers. On the website visitors answer with a click; elsewhere they read a list.",
    emptyTitle: "No question group yet",
    empty: "Ask what you always have to ask first, such as the kind of problem, and let visitors choose.",
    make: "New question group",
    body: "Question",
  },
};

export function kindOf(path: string): ReplyKind {
  return path.startsWith(WORDS.question.home) ? "question" : "reply";
}
