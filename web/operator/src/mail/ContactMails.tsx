import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Conversation } from "../api/types.ts";
import { age, moment, useNow } from "../app/clock.ts";
import { useMe } from "../app/me.ts";
import { Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { sentence } from "../settings/standing.ts";
import { type Mail, mail } from "./api.ts";
import { CONVERSATION_MAILS } from "./keys.ts";
import { useMailEvents } from "./useMailEvents.ts";
import { KIND_NAMES, stateOf } from "./words.ts";
import "./contact-mails.css";

const ANY = ["mail.queued", "mail.failed"] as const;
const FIRST = 3;
const MOST = 20;

/** The mails of a conversation and what became of them; nothing while there is none. */
export default function ContactMails({ conversation }: { conversation: Conversation }) {
  const { id, contact } = conversation;
  useMailEvents(CONVERSATION_MAILS, ANY);
  const [all, setAll] = useState(false);
  const list = useQuery({
    queryKey: [...CONVERSATION_MAILS, id],
    queryFn: async () => (await mail.list({ conversation_id: id, limit: MOST })).items,
    staleTime: 60_000,
    // That a mail went out is no event.
    refetchInterval: (query) =>
      query.state.data?.some(({ state, reason }) => state === "queued" && reason === "") ? 4000 : false,
  });
  const items = list.data ?? [];
  if (items.length === 0) return null;
  const shown = all ? items : items.slice(0, FIRST);
  return (
    <section className="contact-section">
      <h3>Mails</h3>
      <ul className="contact-mails">
        {shown.map((item) => (
          <Line key={item.id} item={item} own={item.receiver === contact.email} />
        ))}
      </ul>
      {items.length > shown.length && (
        <Action small kind="quiet" onPress={() => setAll(true)}>
          {items.length - shown.length} more
        </Action>
      )}
    </section>
  );
}

function Line({ item, own }: { item: Mail; own: boolean }) {
  const now = useNow();
  const admin = useMe().operator.role === "admin";
  const { label, tone } = stateOf(item);
  const name = KIND_NAMES[item.kind] ?? item.kind;
  return (
    <li className="contact-mail">
      <span className="contact-mail-top">
        {admin && item.delivery_id !== null ? (
          <Link to={`/settings/mail/deliveries/${item.delivery_id}`}>{name}</Link>
        ) : (
          <span>{name}</span>
        )}
        <span className={`tag ${tone}`}>{label}</span>
        <time dateTime={item.created_at} title={moment(item.created_at)}>
          {age(item.created_at, now)}
        </time>
      </span>
      {!own && (
        <span className="contact-mail-more">
          To <bdi>{item.receiver}</bdi>
        </span>
      )}
      {item.state !== "sent" && item.reason && (
        <span className="contact-mail-more">{sentence(item.reason)}</span>
      )}
    </li>
  );
}
