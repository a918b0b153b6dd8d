// Conversations that go to the API add-on when their status changes.

import type { ApiError } from "../api/error.ts";
import { conversations } from "../api/routes.ts";
import type { Conversation } from "../api/types.ts";
import type { Live } from "../realtime/live.ts";
import { useWish, Wishes } from "./wishes.ts";

const flags = new Wishes<boolean>();

export function useFlagged(conversation: Conversation): boolean {
  return useWish(flags, conversation.id) ?? conversation.flagged ?? false;
}

export function wantFlag(live: Live, id: number, flagged: boolean, refused: (error: ApiError) => void): void {
  flags.want(id, flagged, {
    write: conversations.flag,
    granted: (answer) => live.adopt(answer),
    refused: (_, error) => refused(error),
  });
}
