import { useQuery } from "@tanstack/react-query";
import { useMemo, useSyncExternalStore } from "react";
import { commands, conversations, tags } from "../../api/routes.ts";
import type { Command, TagCount } from "../../api/types.ts";
import { useLive } from "../../app/live-context.ts";
import { useMe } from "../../app/me.ts";
import type { Live } from "../../realtime/live.ts";
import { draftsOf } from "../drafts.ts";
import { useGroups, useOperators } from "../lists.ts";
import { CommandDesk, type CommandState } from "./desk.ts";
import { allowed, type Completion, complete, findCommand, parseLine } from "./line.ts";

const NO_COMMANDS: Command[] = [];
const NO_TAGS: TagCount[] = [];

/** The commands this operator may use; undefined until they are known. They come once for each page. */
export function useCommands(enabled = true): Command[] | undefined {
  const { role } = useMe().operator;
  const { data } = useQuery({
    queryKey: ["commands"],
    queryFn: async () => (await commands.list()).items,
    gcTime: Number.POSITIVE_INFINITY,
    enabled,
  });
  return useMemo(() => data && allowed(data, role), [data, role]);
}

/** Tags that are in use, most used first. */
export function useTags(enabled = true): TagCount[] {
  const { data } = useQuery({
    queryKey: ["tags"],
    queryFn: async () => (await tags.list()).items,
    staleTime: 30_000,
    enabled,
  });
  return data ?? NO_TAGS;
}

/** What may stand at the end of the text. */
export function useCompletion(text: string, id: number): Completion | null {
  const live = useLive();
  const known = useCommands() ?? NO_COMMANDS;
  const operators = useOperators().data;
  const groups = useGroups().data;
  const line = parseLine(text);
  const argument = line?.rest == null ? undefined : findCommand(known, line.name)?.argument;
  const used = useTags(argument === "tag");
  const topics = useMemo(() => {
    if (argument !== "topic") return [];
    const found = live.everyKnown().map((item) => item.topic);
    return [...new Set(found.filter(Boolean))].sort((a, b) => a.localeCompare(b));
  }, [argument, live]);
  return useMemo(() => {
    const here = live.known(id);
    return complete(text, {
      commands: known,
      operators: (operators ?? []).filter((person) => person.id !== here?.operator?.id),
      groups: groups ?? [],
      tags: used,
      ownTags: here?.tags ?? [],
      topics,
    });
  }, [text, known, operators, groups, used, topics, live, id]);
}

let desk: CommandDesk | null = null;
/** Whose desk it is: one page may see several people sign in. */
let owner: { live: Live; me: number } | null = null;

export function useCommandDesk(): CommandDesk {
  const live = useLive();
  const me = useMe().operator.id;
  if (owner?.me !== me) desk = null; // the answers are for who asked
  owner = { live, me };
  if (desk) return desk;
  const key = `parley.commands.${me}`;
  desk = new CommandDesk({
    run: (entry) => conversations.command(entry.conversationId, entry.line, entry.key),
    done: (entry, answer) => {
      if (!owner) return;
      if (answer.message) owner.live.adoptMessage(answer.message);
      if (answer.conversation) owner.live.adopt(answer.conversation);
      const drafts = draftsOf(owner.me);
      const kind = entry.note ? "note" : "reply";
      // What was written meanwhile is not part of the command.
      if (drafts.get(entry.conversationId, kind).trim() === entry.line)
        drafts.set(entry.conversationId, kind, "");
    },
    end: (id) => owner?.live.known(id)?.message_count ?? 0,
    later: (run, milliseconds) => window.setTimeout(run, milliseconds),
    store: (text) => {
      try {
        sessionStorage.setItem(key, text);
      } catch {
        // Without storage a command under way ends with the page; its line is still in the field.
      }
    },
    stored: () => {
      try {
        return sessionStorage.getItem(key);
      } catch {
        return null;
      }
    },
  });
  const made = desk;
  window.addEventListener("online", () => made.wake());
  return made;
}

export function useCommandState(conversationId: number): CommandState {
  const from = useCommandDesk();
  return useSyncExternalStore(from.subscribe, () => from.of(conversationId));
}

// --- the palette begins a line, the composer on the page takes it ---

type LineListener = (line: string) => void;
const open = new Map<number, LineListener>();

/** The composer of a conversation says that it is there; the answer takes it away again. */
export function takesLines(conversationId: number, listener: LineListener): () => void {
  open.set(conversationId, listener);
  return () => {
    if (open.get(conversationId) === listener) open.delete(conversationId);
  };
}

export function beginLine(conversationId: number, line: string): void {
  open.get(conversationId)?.(line);
}
