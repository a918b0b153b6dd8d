import {
  Fragment,
  type KeyboardEvent,
  memo,
  Suspense,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import type { Conversation, Message } from "../api/types.ts";
import { dayKey, dayName, moment, timeOfDay, useNow } from "../app/clock.ts";
import { lazily } from "../app/lazily.tsx";
import { useLive, usePresence } from "../app/live-context.ts";
import { useMe } from "../app/me.ts";
import { Action } from "../design/Action.tsx";
import { Icon } from "../design/icons.tsx";
import { messageState } from "../realtime/reducer.ts";
import type { ThreadSnapshot } from "../realtime/snapshots.ts";
import { Answer } from "./commands/Answer.tsx";
import type { Answered } from "./commands/desk.ts";
import { useCommandDesk, useCommandState } from "./commands/useCommands.ts";
import { describe } from "./events.ts";
import { holdOf, isThin } from "./files/hold.ts";
import { beginEdit, isOwn } from "./messages/edits.ts";
import { type Outgoing, useOutgoing } from "./outbox.ts";
import { RatingMark } from "./outcome.tsx";
import { Prose } from "./Prose.tsx";
import { Tick } from "./Tick.tsx";
import { useOutbox } from "./useOutbox.ts";

const Choices = lazily(() => import("./saved/Choices.tsx"));
const Attached = lazily(() => import("./files/Attached.tsx"));
const LinkCard = lazily(() => import("./files/LinkCard.tsx"));
const SendingFile = lazily(() => import("./files/SendingFile.tsx"));
const Trouble = lazily(() => import("./messages/Trouble.tsx"));
const MessageMenu = lazily(() => import("./messages/MessageMenu.tsx"));

const STEP = 60;
const NEAR = 240;
const GROUPED_MILLISECONDS = 5 * 60_000;

interface LogProps {
  conversation: Conversation;
  thread: ThreadSnapshot;
}

function isSaid({ type }: Message): boolean {
  return type === "message" || type === "media";
}

function follows(before: Message | undefined, message: Message): boolean {
  return (
    before !== undefined &&
    isSaid(before) &&
    isSaid(message) &&
    before.sender.type === message.sender.type &&
    before.sender.id === message.sender.id &&
    before.note === message.note &&
    Date.parse(message.sent_at) - Date.parse(before.sent_at) < GROUPED_MILLISECONDS
  );
}

export function MessageLog({ conversation, thread }: LogProps) {
  const live = useLive();
  const me = useMe().operator.id;
  const now = useNow();
  const box = useOutbox();
  const outgoing = useOutgoing(box, conversation.id);
  const desk = useCommandDesk();
  const { answers } = useCommandState(conversation.id);
  const { typists } = usePresence(conversation.id);
  const scroller = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState(STEP);
  const [atEnd, setAtEnd] = useState(true);
  const [loading, setLoading] = useState(false);
  // What arrives while the operator reads further up is counted on the button that jumps to it.
  const [seen, setSeen] = useState(() => thread.items.at(-1)?.number ?? 0);

  const items = thread.items.slice(-shown);
  const firstNumber = items[0]?.number ?? 0;
  const lastNumber = thread.items.at(-1)?.number ?? 0;
  const older = thread.hasMore || thread.items.length > items.length;
  const typing = typists.filter((typist) => typist.type === "contact");

  // Lines that come in above must not move what is being read: its distance from the end stays.
  const fromEnd = useRef<number | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another first line comes in above
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box && fromEnd.current !== null) box.scrollTop = box.scrollHeight - fromEnd.current;
  }, [firstNumber]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: these are what makes the log longer at its end
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box && atEnd) box.scrollTop = box.scrollHeight;
  }, [lastNumber, outgoing.length, answers.length, typing.length, atEnd]);
  useEffect(() => {
    if (atEnd) setSeen(lastNumber);
  }, [atEnd, lastNumber]);

  // A growing composer takes height from below; stay where we were.
  const stick = useRef(atEnd);
  stick.current = atEnd;
  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const observer = new ResizeObserver(() => {
      if (stick.current) box.scrollTop = box.scrollHeight;
    });
    observer.observe(box);
    // So do files and cards that come later than their message.
    if (box.lastElementChild) observer.observe(box.lastElementChild);
    return () => observer.disconnect();
  }, []);

  const onScroll = () => {
    const box = scroller.current;
    if (!box) return;
    fromEnd.current = box.scrollHeight - box.scrollTop;
    setAtEnd(fromEnd.current - box.clientHeight < 48);
    if (box.scrollTop > NEAR || loading) return;
    if (thread.items.length > shown) {
      setShown(shown + STEP);
    } else if (thread.hasMore) {
      setLoading(true);
      live
        .loadOlder(conversation.id)
        .then(() => setShown(thread.items.length + 2 * STEP))
        .catch(() => {})
        .finally(() => setLoading(false));
    }
  };
  const jump = () => {
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
  };

  // Own messages written while reading above are what the operator wants to see next.
  const own = outgoing.length + answers.length;
  const sent = useRef(own);
  useEffect(() => {
    if (own > sent.current) setAtEnd(true);
    sent.current = own;
  }, [own]);

  // One message of the log can be reached with Tab, the others from it with the arrows.
  const [stop, setStop] = useState(0);
  const [menu, setMenu] = useState<{ number: number; anchor: Element } | null>(null);
  const lastSaid = items.findLast(isSaid)?.number;
  const reached = items.some((item) => item.number === stop && isSaid(item)) ? stop : lastSaid;
  const asked = items.find((item) => item.number === menu?.number);
  const onMore = useCallback((number: number, anchor: Element) => setMenu({ number, anchor }), []);
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const button = (event.target as Element).closest(".line-more");
    if (!button) return;
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>(".line-more")];
    const at = all.indexOf(button as HTMLElement);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    const message = items.find((item) => item.number === stop);
    if (to !== undefined) all[to]?.focus();
    else if (event.key.toLowerCase() === "e" && message && isOwn(message, me)) beginEdit(message);
    else return;
    event.preventDefault();
  };

  const fresh = thread.items.filter((item) => item.number > seen && item.type !== "event").length;
  const answer = (each: Answered) => (
    <Answer key={each.key} answer={each} onDismiss={() => desk.dismiss(conversation.id, each.key)} />
  );
  return (
    <div className="log-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the log scrolls and must do so by keyboard */}
      <div className="log" ref={scroller} onScroll={onScroll} role="log" aria-label="Messages" tabIndex={0}>
        {older && (
          <div className="log-older">{loading ? "Loading earlier messages…" : "Earlier messages above"}</div>
        )}
        <ol className="log-lines" onKeyDown={onKeyDown}>
          {items.map((message, index) => {
            const previous = items[index - 1];
            const newDay = !previous || dayKey(previous.sent_at) !== dayKey(message.sent_at);
            return (
              <Fragment key={message.number}>
                {newDay && (
                  <li className="log-day">
                    <span>{dayName(message.sent_at, now)}</span>
                  </li>
                )}
                <Line
                  message={message}
                  state={messageState(message, conversation)}
                  own={message.sender.type === "operator" && message.sender.id === me}
                  grouped={!newDay && follows(previous, message)}
                  contactName={conversation.contact.display_name}
                  reached={message.number === reached}
                  onReach={setStop}
                  onMore={onMore}
                />
                {answers
                  .filter(
                    (each) =>
                      each.after >= message.number && each.after < (items[index + 1]?.number ?? Infinity),
                  )
                  .map(answer)}
              </Fragment>
            );
          })}
          {items.length === 0 && answers.map(answer)}
          {outgoing.map((entry) => (
            <Waiting
              key={entry.key}
              entry={entry}
              onRetry={() => box.retry(conversation.id, entry.key)}
              onSendAsText={() => box.sendAsText(conversation.id, entry.key)}
              onDiscard={() => box.discard(conversation.id, entry.key)}
            />
          ))}
          {typing.length > 0 && (
            <li className="line them typing-line">
              <div className="bubble typing">
                <i />
                <i />
                <i />
                <span className="hidden-text">
                  {typing[0]?.name || conversation.contact.display_name} is typing
                </span>
              </div>
            </li>
          )}
        </ol>
      </div>
      {menu && asked && (
        <Suspense>
          <MessageMenu key={menu.number} message={asked} anchor={menu.anchor} onClose={() => setMenu(null)} />
        </Suspense>
      )}
      {!atEnd && (
        <div className="log-jump">
          <Action small icon="arrowDown" onPress={jump}>
            {fresh > 0 ? `${fresh} new` : "Newest"}
          </Action>
        </div>
      )}
    </div>
  );
}

interface LineProps {
  message: Message;
  state: ReturnType<typeof messageState>;
  own: boolean;
  grouped: boolean;
  contactName: string;
  /** Whether Tab goes here. */
  reached: boolean;
  onReach: (number: number) => void;
  onMore: (number: number, anchor: Element) => void;
}

const Line = memo(function Line(props: LineProps) {
  const { message, state, own, grouped, contactName } = props;
  const { sender, note, media, link } = message;
  const attributes = {
    "data-message-number": message.number,
    "data-state": state,
    "data-sender": sender.type,
    "data-note": note || undefined,
  };
  if (message.type === "rating" || message.type === "feedback" || message.type === "survey") {
    return (
      <li className="outcome" {...attributes}>
        <Outcome message={message} contactName={contactName} />
      </li>
    );
  }
  if (message.type === "event") {
    return (
      <li className="log-event" {...attributes}>
        {message.event?.name === "goal" && <Icon name="flag" size={14} />}
        <span>{describe(message)}</span>
        <time dateTime={message.sent_at} title={moment(message.sent_at)}>
          {timeOfDay(message.sent_at)}
        </time>
      </li>
    );
  }
  const side = sender.type === "contact" ? "them" : "us";
  return (
    <li className={`line ${side}${grouped ? " grouped" : ""}${note ? " note" : ""}`} {...attributes}>
      {!grouped && (
        <div className="line-head">
          {note && <Icon name="note" size={14} />}
          <span dir="auto">
            {own ? "You" : sender.type === "contact" ? contactName : sender.name || SENDER[sender.type]}
          </span>
          {note && <span className="line-kind">Internal note</span>}
        </div>
      )}
      <div className="line-body">
        <div className={media ? "bubble filed" : "bubble"} dir="auto">
          {message.deleted_at ? (
            <em className="bubble-gone">{note ? "Deleted note" : "Deleted message"}</em>
          ) : (
            <>
              {media && (
                <Suspense fallback={<div className="file-hold" style={holdOf(media)} />}>
                  <Attached message={message} media={media} />
                </Suspense>
              )}
              {media && message.body ? (
                <div className="words">
                  <Prose text={message.body} />
                </div>
              ) : (
                <Prose text={message.body} />
              )}
              <Offered list={message.choices} />
              {link && (
                <Suspense fallback={<div className={isThin(link) ? "link-hold thin" : "link-hold"} />}>
                  <LinkCard message={message} card={link} />
                </Suspense>
              )}
            </>
          )}
        </div>
        {!message.deleted_at && (
          <button
            type="button"
            className="line-more"
            tabIndex={props.reached ? 0 : -1}
            aria-haspopup="menu"
            aria-label={`Actions for the message of ${timeOfDay(message.sent_at)}`}
            onFocus={() => props.onReach(message.number)}
            onClick={(event) => props.onMore(message.number, event.currentTarget)}
          >
            <Icon name="dots" size={16} />
          </button>
        )}
      </div>
      <div className="line-foot">
        {message.edited_at && !message.deleted_at && (
          <span title={`Edited ${moment(message.edited_at)}`}>Edited {timeOfDay(message.edited_at)} ·</span>
        )}
        <time dateTime={message.sent_at} title={moment(message.sent_at)}>
          {timeOfDay(message.sent_at)}
        </time>
        {side === "us" && !note && <Tick state={state} />}
      </div>
      {(state === "failed" || (state === "pending" && message.state_reason)) && (
        <Suspense>
          <Trouble message={message} failed={state === "failed"} />
        </Suspense>
      )}
    </li>
  );
});

function Offered({ list }: { list: string[] | undefined }) {
  return (
    list &&
    list.length > 0 && (
      <Suspense>
        <Choices list={list} />
      </Suspense>
    )
  );
}

const SENDER = { contact: "", operator: "", bot: "Bot", system: "Automatic message" };

const SAID: Record<"rating" | "feedback" | "survey", string> = {
  rating: "rated the conversation",
  feedback: "gave feedback",
  survey: "answered the survey",
};

/** What a contact said about the conversation instead of in it. */
function Outcome({ message, contactName }: { message: Message; contactName: string }) {
  const { type, body, event } = message;
  const kind = type === "rating" || type === "survey" ? type : "feedback";
  return (
    <>
      <div className="outcome-head">
        <span>
          <bdi>{contactName}</bdi> {SAID[kind]}
        </span>
        <time dateTime={message.sent_at} title={moment(message.sent_at)}>
          {timeOfDay(message.sent_at)}
        </time>
      </div>
      {event?.rating ? (
        <RatingMark rating={event.rating} />
      ) : event?.survey ? (
        <div className="outcome-survey">
          <span dir="auto">{event.survey.question}</span>
          <strong dir="auto">{event.survey.option}</strong>
        </div>
      ) : (
        <blockquote className="outcome-words" dir="auto">
          <Prose text={body} />
        </blockquote>
      )}
    </>
  );
}

interface WaitingProps {
  entry: Outgoing;
  onRetry: () => void;
  onSendAsText: () => void;
  onDiscard: () => void;
}

function Waiting(props: WaitingProps) {
  const { entry } = props;
  const command = entry.code === "message.is_command";
  const failed = entry.state === "failed";
  return (
    <li
      className={`line us${entry.note ? " note" : ""}${failed ? " failed" : ""}`}
      data-state={failed ? "failed" : "pending"}
      data-sender="operator"
      data-note={entry.note || undefined}
    >
      <div className={entry.file ? "bubble filed" : "bubble"} dir="auto">
        {entry.file && (
          <Suspense fallback={<div className="file-hold" />}>
            <SendingFile file={entry.file} />
          </Suspense>
        )}
        {entry.body && (
          <div className="words">
            <Prose text={entry.body} />
          </div>
        )}
        <Offered list={entry.choices} />
      </div>
      <div className="line-foot">
        {failed ? (
          <span className="line-failed" role="alert">
            Not sent: {entry.reason}
          </span>
        ) : (
          <>
            {entry.state === "waiting" && <span>Waiting for the connection</span>}
            <Tick state="pending" />
          </>
        )}
        {entry.file && !failed && (
          <button type="button" className="line-cancel" onClick={props.onDiscard}>
            Cancel
          </button>
        )}
      </div>
      {failed && (
        <div className="line-actions">
          {command ? (
            <Action small icon="send" onPress={props.onSendAsText}>
              Send as text
            </Action>
          ) : (
            <Action small icon="refresh" onPress={props.onRetry}>
              Try again
            </Action>
          )}
          <Action small kind="quiet" icon="trash" onPress={props.onDiscard}>
            Discard
          </Action>
        </div>
      )}
    </li>
  );
}
