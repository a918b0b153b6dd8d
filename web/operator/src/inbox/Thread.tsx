import { type DragEvent, Suspense, useEffect, useRef, useState } from "react";
import { asApiError } from "../api/error.ts";
import { conversations } from "../api/routes.ts";
import type { Conversation } from "../api/types.ts";
import { lazily } from "../app/lazily.tsx";
import { useLive, usePresence } from "../app/live-context.ts";
import { useMe } from "../app/me.ts";
import { useShortcut } from "../app/shortcuts.ts";
import { Action, IconAction } from "../design/Action.tsx";
import { Icon } from "../design/icons.tsx";
import { Callout, Skeleton } from "../design/marks.tsx";
import { Composer, type ComposerHandle } from "./Composer.tsx";
import { useEnding } from "./ending.ts";
import { useConversation, useThread } from "./lists.ts";
import { MessageLog } from "./MessageLog.tsx";
import { beginEdit, isOwn } from "./messages/edits.ts";
import { ThreadHead } from "./ThreadHead.tsx";

const DropHint = lazily(() => import("./files/DropHint.tsx"));

interface ThreadProps {
  id: number;
  contactShown: boolean;
  onToggleContact: () => void;
  onLeave: () => void;
}

export function Thread({ id, contactShown, onToggleContact, onLeave }: ThreadProps) {
  const snapshot = useConversation(id);
  const thread = useThread(id);
  const composer = useRef<ComposerHandle>(null);
  const conversation = snapshot.data?.conversation;
  const ending = useEnding(id);
  const me = useMe().operator.id;
  const drop = useDrop((files) => composer.current?.attach(files));
  useReadMark(conversation);
  useShortcut("r", "Write a reply", () => composer.current?.focus("reply"), conversation !== undefined);
  useShortcut(
    "n",
    "Write an internal note",
    () => composer.current?.focus("note"),
    conversation !== undefined,
  );
  useShortcut("i", "Show or hide the contact", onToggleContact);
  useShortcut("Escape", "Leave the conversation", onLeave);

  const failed = snapshot.error ?? thread.error;
  if (failed && (!conversation || !thread.data)) {
    const error = asApiError(failed);
    return (
      <div className="nothing">
        <div className="thread-back">
          <IconAction icon="left" label="Back to the list" onPress={onLeave} />
        </div>
        <Callout tone="bad">
          <p>{error.status === 404 ? "This conversation does not exist." : error.detail}</p>
          {error.status !== 404 && (
            <Action
              small
              icon="refresh"
              onPress={() => {
                void snapshot.refetch();
                void thread.refetch();
              }}
            >
              Try again
            </Action>
          )}
        </Callout>
      </div>
    );
  }
  if (!conversation) return <ThreadSkeleton />;
  return (
    <div className="thread" data-status={conversation.status} {...drop.over}>
      <ThreadHead
        conversation={conversation}
        ending={ending}
        contactShown={contactShown}
        onToggleContact={onToggleContact}
        onLeave={onLeave}
      />
      {thread.data ? <MessageLog conversation={conversation} thread={thread.data} /> : <LogSkeleton />}
      <Guard conversation={conversation} />
      <Composer
        ref={composer}
        conversation={conversation}
        ending={ending}
        onEditLast={() => {
          const last = thread.data?.items.findLast((message) => isOwn(message, me));
          if (last) beginEdit(last);
        }}
      />
      {drop.dragged && (
        <div className="drop-zone">
          <Suspense>
            <DropHint />
          </Suspense>
        </div>
      )}
    </div>
  );
}

/** Files may be dropped anywhere on the thread. */
function useDrop(take: (files: File[]) => void) {
  const [dragged, setDragged] = useState(false);
  const over = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    setDragged(true);
  };
  return {
    dragged,
    over: {
      onDragEnter: over,
      onDragOver: over,
      onDragLeave: (event: DragEvent) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setDragged(false);
      },
      onDrop: (event: DragEvent) => {
        if (!dragged) return;
        event.preventDefault();
        setDragged(false);
        // A folder comes as a file that cannot be read.
        const { items, files } = event.dataTransfer;
        take([...files].filter((_, index) => !items[index]?.webkitGetAsEntry?.()?.isDirectory));
      },
    },
  };
}

/** Who else is here: two operators answering at once is what a contact notices most. */
function Guard({ conversation }: { conversation: Conversation }) {
  const { viewers } = usePresence(conversation.id);
  const me = useMe().operator.id;
  const others = viewers.filter((viewer) => viewer.id !== me);
  const answering = others.filter((viewer) => viewer.typing);
  const named = (answering.length > 0 ? answering : others).map((viewer) => viewer.name).join(", ");
  return (
    <div role="status">
      {named && (
        <div className={answering.length > 0 ? "guard answering" : "guard"}>
          <Icon name={answering.length > 0 ? "alert" : "eye"} size={16} />
          <span>
            {named} {answering.length > 0 ? "is also answering" : "is also viewing"}
          </span>
        </div>
      )}
    </div>
  );
}

/** Tells the server what was read, only while somebody can really see it. */
function useReadMark(conversation: Conversation | undefined): void {
  const live = useLive();
  const told = useRef(0);
  const id = conversation?.id;
  const count = conversation?.message_count ?? 0;
  const unread = conversation?.unread ?? 0;
  useEffect(() => {
    if (id === undefined) return;
    const look = () => {
      if (unread === 0 || told.current >= count) return;
      if (document.visibilityState !== "visible" || !document.hasFocus()) return;
      told.current = count;
      live.patch(id, (before) => ({
        ...before,
        unread: before.message_count > count ? before.unread : 0,
        operator_read: Math.max(before.operator_read, count),
      }));
      conversations.read(id, count).catch(() => {
        told.current = 0;
      });
    };
    look();
    window.addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      window.removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [id, count, unread, live]);
}

function LogSkeleton() {
  return (
    <div className="log log-skeleton" role="status" aria-label="Loading messages">
      <Skeleton width="46%" height={44} />
      <Skeleton width="34%" height={36} />
      <Skeleton width="52%" height={64} />
      <Skeleton width="30%" height={36} />
      <Skeleton width="44%" height={44} />
    </div>
  );
}

function ThreadSkeleton() {
  return (
    <div className="thread">
      <div className="thread-head">
        <Skeleton width={180} height={18} />
      </div>
      <LogSkeleton />
    </div>
  );
}
