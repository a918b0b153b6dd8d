import { memo } from "react";
import type { Conversation, LastMessage } from "../api/types.ts";
import { age, moment } from "../app/clock.ts";
import { usePresence } from "../app/live-context.ts";
import { Link } from "../app/router.tsx";
import { Icon } from "../design/icons.tsx";
import { Avatar, StatusTag } from "../design/marks.tsx";
import { AlarmBadge, OfflineBadge } from "./alarm/Badges.tsx";
import { ChannelIcon } from "./ChannelIcon.tsx";
import { useDraft } from "./drafts.ts";
import { FlagBadge } from "./FlagBadge.tsx";
import { trayOf, useTray } from "./files/held.ts";
import { useFlagged } from "./flags.ts";
import { ratingText } from "./outcome.tsx";

export const ROW_HEIGHT = 84;

interface RowProps {
  conversation: Conversation;
  selected: boolean;
  to: string;
  me: number;
  now: number;
  onNear: (id: number) => void;
}

function prefix(last: LastMessage): string {
  if (last.type !== "message" && last.type !== "media") return "";
  if (last.note) return "Note: ";
  if (last.sender_type === "operator") return "You: ";
  if (last.sender_type === "bot") return "Bot: ";
  return "";
}

/** What the last line says where there is no room for more. */
function lastText(last: LastMessage, conversation: Conversation): string {
  if (last.type === "rating") {
    const { rating, session } = conversation;
    return rating ? `Rated: ${ratingText(rating, session?.rating?.form)}` : "Rated the conversation";
  }
  if (last.type === "survey") {
    const chosen = conversation.session?.survey?.option || last.body;
    return chosen ? `Survey: ${chosen}` : "Answered the survey";
  }
  if (last.type === "feedback") return `Feedback: ${last.body}`;
  return last.body || (last.type === "event" ? "Status changed" : "Deleted message");
}

function LastLine({ conversation, me }: { conversation: Conversation; me: number }) {
  const { typists } = usePresence(conversation.id);
  const draft = useDraft(me, conversation.id, "reply");
  const files = useTray(trayOf(conversation.id, "reply"));
  const last = conversation.last_message;
  if (typists.some((typist) => typist.type === "contact")) {
    return <span className="row-line row-typing">is typing…</span>;
  }
  if (draft.trim() || files.length > 0) {
    return (
      <span className="row-line" dir="auto">
        <em className="row-draft">Draft:</em>{" "}
        {files.length > 0 && <Icon name="clip" size={14} className="row-clip" />}
        {draft.trim() ? draft : files[0]?.name}
      </span>
    );
  }
  if (!last) return <span className="row-line row-muted">No message yet</span>;
  const own = last.sender_type === "operator" && conversation.operator && conversation.operator.id !== me;
  const who =
    own && !last.note
      ? `${conversation.operator?.first_name || conversation.operator?.name}: `
      : prefix(last);
  return (
    <span className={last.type === "event" ? "row-line row-muted" : "row-line"} dir="auto">
      {who}
      {last.type === "media" && last.body && <Icon name="clip" size={14} className="row-clip" />}
      {lastText(last, conversation)}
    </span>
  );
}

export const ConversationRow = memo(function ConversationRow(props: RowProps) {
  const { conversation, selected, me, now } = props;
  const { contact, operator, group, unread } = conversation;
  const flagged = useFlagged(conversation);
  const time = conversation.last_message?.sent_at ?? conversation.updated_at;
  return (
    <Link
      to={props.to}
      className="row"
      aria-current={selected ? "true" : undefined}
      data-conversation={conversation.id}
      data-status={conversation.status}
      data-unread={unread > 0 || undefined}
      onPointerEnter={() => props.onNear(conversation.id)}
      onFocus={() => props.onNear(conversation.id)}
    >
      <Avatar name={contact.display_name} id={contact.id} />
      <span className="row-main">
        <span className="row-top">
          <span className="row-name" dir="auto">
            {contact.display_name}
          </span>
          <time className="row-age" dateTime={time} title={moment(time)}>
            {age(time, now)}
          </time>
        </span>
        <span className="row-middle">
          <LastLine conversation={conversation} me={me} />
          {unread > 0 && (
            <span className="badge row-unread">
              {unread > 99 ? "99+" : unread}
              <span className="hidden-text"> unread</span>
            </span>
          )}
        </span>
        <span className="row-bottom">
          <ChannelIcon channel={conversation.channel} />
          <StatusTag status={conversation.status} />
          {conversation.unanswered_at && <AlarmBadge since={conversation.unanswered_at} now={now} />}
          {conversation.session?.offline && <OfflineBadge />}
          {flagged && <FlagBadge />}
          <span className="row-owner">
            {operator ? (
              <>
                <Icon name="user" size={14} />
                <span>{operator.id === me ? "You" : operator.name}</span>
              </>
            ) : conversation.status === "ended" ? null : (
              <span className="row-nobody">Unassigned</span>
            )}
          </span>
          {group && (
            <span className="row-group">
              <Icon name="users" size={14} />
              <span>{group.name}</span>
            </span>
          )}
        </span>
      </span>
    </Link>
  );
});
