import { useQuery } from "@tanstack/react-query";
import { useLayoutEffect } from "react";
import { asApiError } from "../../api/error.ts";
import type { Command } from "../../api/types.ts";
import { toast } from "../../design/toasts.tsx";
import { listReplies, previewReply, type Reply, replyListKey } from "../../replies/api.ts";
import type { Completion } from "../commands/line.ts";
import { answersOf, type Offer, offersFor } from "./offers.ts";

const PATIENCE = 10_000;
const NONE: Command[] = [];

interface SavedProps {
  text: string;
  conversationId: number;
  commands: Command[] | undefined;
  /** Called for every text, with what is offered for it. */
  onFound: (text: string, completion: Completion | null) => void;
  onBusy: (busy: boolean) => void;
  /** No choices: those of what stands before stay. */
  onInsert: (text: string, choices: string[] | null) => void;
}

/** Looks for the saved texts that the field asks for, and fetches the one that is chosen. Shows nothing itself. */
export default function Saved(props: SavedProps) {
  const { text, conversationId, commands = NONE, onFound } = props;
  const { data, isError } = useQuery({
    queryKey: replyListKey("all"),
    queryFn: ({ signal }) => listReplies({}, signal),
    staleTime: 30_000,
    retry: false,
    // Asked for while the connection is gone it fails at once instead of being put off.
    networkMode: "always",
  });
  const insert = ({ reply, before }: Offer) => {
    props.onBusy(true);
    previewReply(conversationId, reply.id, AbortSignal.timeout(PATIENCE))
      .then(
        ({ body, options }) => props.onInsert(before + body, answersOf(before, options)),
        (cause) => toast(`#${reply.shortcut} was not inserted: ${reason(cause)}`),
      )
      .finally(() => props.onBusy(false));
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what inserts is new at each render and always does the same
  useLayoutEffect(() => {
    if (!data && !isError) return;
    const found = offersFor(text, data ?? ([] as Reply[]), commands);
    const asked = text.trimStart().startsWith("#") || /\s#\S*$/.test(text);
    onFound(
      text,
      found && asked
        ? { ...found, items: found.items.map((each) => ({ ...each, insert: () => insert(each) })) }
        : found,
    );
  }, [text, data, isError, commands]);
  return null;
}

function reason(cause: unknown): string {
  if (cause instanceof DOMException) return "the server did not answer in time";
  return asApiError(cause).detail;
}
