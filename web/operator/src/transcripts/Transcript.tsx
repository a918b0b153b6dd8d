import { useQuery } from "@tanstack/react-query";
import { Fragment, type ReactNode, Suspense, useEffect, useState } from "react";
import { asApiError } from "../api/error.ts";
import type { Conversation, Message } from "../api/types.ts";
import { dayAndTime, dayKey, lasting, moment, timeOfDay } from "../app/clock.ts";
import { lazily } from "../app/lazily.tsx";
import { go, Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { SwitchEntry } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { Callout, Skeleton, StatusTag } from "../design/marks.tsx";
import { OfflineBadge } from "../inbox/alarm/Badges.tsx";
import { describe } from "../inbox/events.ts";
import { holdOf } from "../inbox/files/hold.ts";
import { RatingMark } from "../inbox/outcome.tsx";
import { Prose } from "../inbox/Prose.tsx";
import { sentence } from "../settings/standing.ts";
import { loadTranscript, type WholeTranscript } from "./api.ts";
import { transcriptLines } from "./lines.ts";
import "../inbox/inbox.css";
import "./transcripts.css";

const Attached = lazily(() => import("../inbox/files/Attached.tsx"));
const Choices = lazily(() => import("../inbox/saved/Choices.tsx"));

/** With the year and without "Today": on paper that would soon be wrong. */
const wholeDay = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

const UUID = /^\/transcripts\/([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;

/** A conversation to be read and printed: where the address in a transcript's webhook leads. */
export default function Transcript({ path }: { path: string }) {
  const uuid = UUID.exec(path)?.[1]?.toLowerCase();
  const { data, error, refetch } = useQuery({
    queryKey: ["transcript", uuid],
    queryFn: ({ signal }) => loadTranscript(uuid ?? "", signal),
    enabled: uuid !== undefined,
    retry: false,
  });
  const fault = error && asApiError(error);
  return (
    <main className="transcript">
      {data ? (
        <Sheet whole={data} />
      ) : !uuid || fault?.status === 404 ? (
        <div className="nothing">
          <Icon name="page" size={36} />
          <h1>No such transcript</h1>
          <p>The address is not complete, or the conversation was deleted.</p>
          <Action icon="inbox" onPress={() => go("/")}>
            To the inbox
          </Action>
        </div>
      ) : fault ? (
        <div className="nothing">
          <h1 className="hidden-text">Transcript</h1>
          <Callout tone="bad">
            <p>{sentence(fault.detail)}</p>
            <Action small icon="refresh" onPress={() => void refetch()}>
              Try again
            </Action>
          </Callout>
        </div>
      ) : (
        <div className="transcript-sheet" role="status" aria-label="Loading the transcript">
          <h1 className="hidden-text">Transcript</h1>
          <Skeleton width="40%" height={24} />
          <Skeleton width="70%" height={60} />
          <Skeleton width="55%" height={40} />
          <Skeleton width="62%" height={40} />
        </div>
      )}
    </main>
  );
}

function Sheet({ whole }: { whole: WholeTranscript }) {
  const { conversation, messages, cut } = whole;
  const [inside, setInside] = useState(false);
  const { contact } = conversation;
  const lines = transcriptLines(messages, inside);
  // A browser takes it for the name of the printed file.
  useEffect(() => {
    const before = document.title;
    document.title = `Transcript – ${contact.display_name}`;
    return () => {
      document.title = before;
    };
  }, [contact.display_name]);
  return (
    <article className="transcript-sheet">
      <header className="transcript-head">
        <div className="transcript-title">
          <h1 dir="auto">{contact.display_name}</h1>
          <div className="transcript-marks">
            <StatusTag status={conversation.status} />
            {conversation.session?.offline && <OfflineBadge />}
          </div>
        </div>
        <div className="transcript-actions">
          <Link to={`/inbox/${conversation.id}`} className="button small">
            <Icon name="chat" size={16} />
            Open
          </Link>
          <Action small icon="page" onPress={() => window.print()}>
            Print
          </Action>
        </div>
      </header>
      <Facts conversation={conversation} />
      <div className="transcript-switch">
        <SwitchEntry selected={inside} onChange={setInside}>
          Show internal notes and events
        </SwitchEntry>
      </div>
      {cut && (
        <Callout still>
          These are the latest {messages.length.toLocaleString("en")} lines of a longer conversation.
        </Callout>
      )}
      {lines.length === 0 ? (
        <p className="transcript-none">Nothing was said.</p>
      ) : (
        <ol className="transcript-lines">
          {lines.map((message, index) => {
            const previous = lines[index - 1];
            const newDay = !previous || dayKey(previous.sent_at) !== dayKey(message.sent_at);
            return (
              <Fragment key={message.number}>
                {newDay && (
                  <li className="log-day">
                    <span>{wholeDay.format(Date.parse(message.sent_at))}</span>
                  </li>
                )}
                <Entry message={message} contactName={contact.display_name} />
              </Fragment>
            );
          })}
        </ol>
      )}
    </article>
  );
}

function Facts({ conversation }: { conversation: Conversation }) {
  const { contact, created_at, ended_at, operator, group, widget, channel, session, tags } = conversation;
  const length = ended_at ? (Date.parse(ended_at) - Date.parse(created_at)) / 1000 : null;
  const rows: [string, ReactNode][] = [
    ["E-mail", contact.email],
    ["Began", dayAndTime(created_at)],
    [
      "Ended",
      ended_at
        ? `${dayAndTime(ended_at)}, after ${lasting(length ?? 0)}`
        : "Not yet: this is how it stands now",
    ],
    ["Operator", [operator?.name, group?.name].filter(Boolean).join(" · ")],
    ["Widget", [widget?.name, channel.id === null ? "" : channel.name].filter(Boolean).join(" · ")],
    ["Rating", session?.rating && <RatingMark rating={session.rating} />],
    ["Tags", (tags ?? []).join(", ")],
  ];
  return (
    <dl className="transcript-facts">
      {rows
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd dir="auto">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

const NOBODY = { contact: "", operator: "Operator", bot: "Bot", system: "Automatic message" };
const SAID = { rating: "rated the conversation", feedback: "gave feedback", survey: "answered the survey" };

function Entry({ message, contactName }: { message: Message; contactName: string }) {
  const { sender, note, media, type, event } = message;
  const time = (
    <time dateTime={message.sent_at} title={moment(message.sent_at)}>
      {timeOfDay(message.sent_at)}
    </time>
  );
  if (type === "event")
    return (
      <li className="transcript-event">
        <span>{describe(message)}</span> {time}
      </li>
    );
  const who = sender.type === "contact" ? contactName : sender.name || NOBODY[sender.type];
  const said = type === "rating" || type === "feedback" || type === "survey" ? SAID[type] : null;
  return (
    <li className="transcript-line" data-sender={sender.type} data-note={note || undefined}>
      <div className="transcript-who">
        <strong dir="auto">{who}</strong>
        {said && <span>{said}</span>}
        {note && <span className="tag warn">Internal note</span>}
        {time}
      </div>
      <div className="transcript-words" dir="auto">
        {message.deleted_at ? (
          <em>{note ? "Deleted note" : "Deleted message"}</em>
        ) : event?.rating ? (
          <RatingMark rating={event.rating} />
        ) : event?.survey ? (
          <>
            {event.survey.question} <strong>{event.survey.option}</strong>
          </>
        ) : (
          <>
            <Prose text={message.body} />
            {media && (
              <Suspense fallback={<div className="file-hold" style={holdOf(media)} />}>
                <Attached message={message} media={media} />
              </Suspense>
            )}
            {message.choices && message.choices.length > 0 && (
              <Suspense>
                <Choices list={message.choices} />
              </Suspense>
            )}
          </>
        )}
      </div>
    </li>
  );
}
