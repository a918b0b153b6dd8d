import { memo } from "react";
import type { Conversation, MessageType, Rating } from "../api/types.ts";
import { age, moment } from "../app/clock.ts";
import { Link } from "../app/router.tsx";
import { Icon } from "../design/icons.tsx";
import { Avatar, StatusTag } from "../design/marks.tsx";
import { ChannelIcon } from "../inbox/ChannelIcon.tsx";
import { FlagBadge } from "../inbox/FlagBadge.tsx";
import { ratingText } from "../inbox/outcome.tsx";

/** More would make the row higher; the rest is counted and named in the tip. */
const TAGS_SHOWN = 2;

interface RowProps {
  conversation: Conversation;
  chosen: boolean;
  me: number;
  now: number;
  onChoose: (id: number, range: boolean) => void;
  onNear: (id: number) => void;
}

const SAID: Partial<Record<MessageType, string>> = {
  rating: "Rated the conversation",
  survey: "Answered the survey",
  event: "Status changed",
};

function snippet({ last_message: last }: Conversation): string {
  if (!last) return "No message yet";
  if (last.body) return last.note ? `Note: ${last.body}` : last.body;
  return SAID[last.type] ?? "";
}

/** A rating in the smallest space; its words are for the tip and for readers. */
function ShortRating({ rating: { value, form } }: { rating: Rating }) {
  const text = ratingText(value, form);
  const tone = value >= 4 ? "good" : value <= 2 ? "bad" : "fair";
  return (
    <span className={`rating-short ${tone}`} title={text}>
      <Icon name={form === "stars" ? "star" : value >= 3 ? "thumbUp" : "thumbDown"} size={14} />
      {form === "stars" && <span aria-hidden="true">{value}</span>}
      <span className="hidden-text">{text}</span>
    </span>
  );
}

export const TableRow = memo(function TableRow(props: RowProps) {
  const { conversation, chosen, me, now } = props;
  const { id, contact, operator, group, widget, channel, topic, session } = conversation;
  const time = conversation.last_message?.sent_at ?? conversation.updated_at;
  const tags = conversation.tags ?? [];
  const form = session?.rating?.form ?? "stars";
  return (
    <tr data-conversation={id} data-chosen={chosen || undefined}>
      <td className="cell-check">
        <label className="row-check">
          <input
            type="checkbox"
            checked={chosen}
            aria-label={`Choose ${contact.display_name}`}
            onChange={(event) => props.onChoose(id, (event.nativeEvent as MouseEvent).shiftKey === true)}
          />
        </label>
      </td>
      <td className="cell-who">
        <Link
          to={`/inbox/${id}`}
          className="all-link"
          onPointerEnter={() => props.onNear(id)}
          onFocus={() => props.onNear(id)}
        >
          <Avatar name={contact.display_name} id={contact.id} size="small" />
          <span className="all-who">
            <span className="all-name">
              <bdi>{contact.display_name}</bdi>
              {contact.email && <span className="all-email"> {contact.email}</span>}
            </span>
            <span className="all-line" dir="auto">
              {topic && <strong>{topic} · </strong>}
              {snippet(conversation)}
            </span>
          </span>
        </Link>
      </td>
      <td className="cell-status">
        <StatusTag status={conversation.status} />
        {conversation.flagged && <FlagBadge />}
      </td>
      <td className="cell-place">
        <span className="all-part">
          <ChannelIcon channel={channel} />
          {channel.type === "website" && <span>{widget?.name ?? channel.name}</span>}
        </span>
      </td>
      <td className="cell-group">
        {group && (
          <span className="all-part">
            <Icon name="users" size={14} />
            <span>{group.name}</span>
          </span>
        )}
      </td>
      <td className="cell-operator">
        {operator ? (
          <span className="all-part">
            <Icon name="user" size={14} />
            <span>{operator.id === me ? "You" : operator.name}</span>
          </span>
        ) : (
          conversation.status !== "ended" && <span className="all-soft">Unassigned</span>
        )}
      </td>
      <td className="cell-tags">
        {tags.length > 0 && (
          <span className="all-tags" title={tags.join(", ")}>
            {tags.slice(0, TAGS_SHOWN).map((tag) => (
              <span className="tag" dir="auto" key={tag}>
                {tag}
              </span>
            ))}
            {tags.length > TAGS_SHOWN && (
              <span className="all-soft">
                +{tags.length - TAGS_SHOWN}
                <span className="hidden-text"> more tags</span>
              </span>
            )}
          </span>
        )}
      </td>
      <td className="cell-rating">
        {typeof conversation.rating === "number" && (
          <ShortRating rating={{ value: conversation.rating, form }} />
        )}
      </td>
      <td className="cell-age">
        <time dateTime={time} title={moment(time)}>
          {age(time, now)}
        </time>
      </td>
    </tr>
  );
});
