// The tags of a conversation and what may be one.

import type { ApiError } from "../api/error.ts";
import { conversations } from "../api/routes.ts";
import type { Conversation, TagCount } from "../api/types.ts";
import type { Live } from "../realtime/live.ts";
import type { Completion } from "./commands/line.ts";
import { useWish, Wishes } from "./wishes.ts";

export const MOST_TAGS = 20;
export const LONGEST_TAG = 40;

const NONE: string[] = [];
const changes = new Wishes<string[]>();

export function useTagsOf(conversation: Conversation): string[] {
  return useWish(changes, conversation.id) ?? conversation.tags ?? NONE;
}

export function wantTags(live: Live, id: number, tags: string[], refused: (error: ApiError) => void): void {
  changes.want(id, tags, {
    write: conversations.setTags,
    granted: (answer) => live.adopt(answer),
    refused: (_, error) => refused(error),
  });
}

/** The tags with those of the text, which are parted by commas; or what is wrong with the text. */
export function withTags(tags: string[], text: string): string[] | { fault: string } {
  const next = tags.slice();
  for (const part of text.split(",")) {
    const tag = part.trim().replace(/\s+/g, " ");
    if (tag === "") continue;
    if ([...tag].length > LONGEST_TAG) return { fault: `A tag has at most ${LONGEST_TAG} characters.` };
    if (next.some((each) => each.toLocaleLowerCase() === tag.toLocaleLowerCase())) continue;
    next.push(tag);
  }
  return next.length > MOST_TAGS ? { fault: `A conversation has at most ${MOST_TAGS} tags.` } : next;
}

/** Tags that are in use elsewhere and begin with what is typed. */
export function tagCompletion(typed: string, used: TagCount[], given: string[]): Completion | null {
  const wanted = typed
    .slice(typed.lastIndexOf(",") + 1)
    .trim()
    .toLocaleLowerCase();
  const have = new Set(given.map((tag) => tag.toLocaleLowerCase()));
  const items = used
    .filter(({ tag }) => !have.has(tag.toLocaleLowerCase()))
    .filter(({ tag }) => tag.toLocaleLowerCase().startsWith(wanted))
    .slice(0, 6)
    .map(({ tag, count }) => ({ id: tag, label: tag, detail: String(count), help: "", line: tag }));
  return items.length > 0 ? { kind: "tag", items, first: null } : null;
}
