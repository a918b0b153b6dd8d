import { h } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { dayLabel } from "../../../shared/clock";
import type { State } from "../model/state";
import { choicesOf, currentOf, rowsOf } from "../model/view";
import { Avatar, Avatars } from "./Avatar";
import type { Ui } from "./context";
import { Icon } from "./Icon";
import { after, Later } from "./Later";
import { eventText, MessageRow } from "./Message";

/** This close to the end counts as being there. */
const NEAR = 60;
/** Older messages are fetched before the visitor reaches the top. */
const EARLY = 240;

function Welcome({ ui, state }: { ui: Ui; state: State }) {
  const { texts, locale } = ui;
  const invitation = state.conversationId === null ? state.invitation : null;
  const { widget, operators } = state.answer;
  const greeting = invitation?.body ?? widget.greeting;
  return (
    <div class="welcome">
      {operators.length > 0 && <Avatars ui={ui} people={operators} />}
      <p class="hello">
        {operators.length > 0
          ? new Intl.ListFormat(locale).format(operators.map((one) => one.name))
          : widget.title}
      </p>
      {/* The header says it already, unless it shows the subtitle. */}
      {state.availability === "online" && widget.subtitle && (
        <p class="promise">
          <span class="dot online" />
          {texts.online}
        </p>
      )}
      {greeting && (
        <div class="message theirs first last">
          <Avatar
            ui={ui}
            person={invitation?.operator ?? operators[0] ?? { name: widget.title, image_url: "" }}
          />
          <span class={invitation ? "name" : "sr"}>{invitation?.operator.name || `${texts.team}: `}</span>
          <div class="text" dir="auto">
            {greeting}
          </div>
        </div>
      )}
    </div>
  );
}

const Dots = ({ of = "dots" }: { of?: string }) => (
  <span class={of} aria-hidden="true">
    <i />
    <i />
    <i />
  </span>
);

export function Thread({ ui, state }: { ui: Ui; state: State }) {
  const { controller, texts, locale, files } = ui;
  const log = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [unseen, setUnseen] = useState(false);
  const { conversationId, outbox, threads } = state;
  const thread = conversationId === null ? undefined : threads[conversationId];
  // The rows depend on these parts of the state only.
  const rows = useMemo(() => rowsOf(state), [conversationId, outbox, thread]);
  const choices = choicesOf(state);
  const now = new Date();
  const first = thread?.messages[0]?.number;
  const last = rows[rows.length - 1];
  const lastKey = last?.key;
  const typing = state.typing?.conversationId === conversationId ? state.typing : null;
  const current = currentOf(state);
  const ended = current?.status === "ended" && thread?.loaded ? current : null;
  const asks = state.answer.rating_form || state.answer.ask_feedback || state.answer.survey;
  const waiting = conversationId !== null && !thread?.loaded && rows.length === 0;
  const loading = waiting || (state.signedIn && !state.settled);

  const toEnd = () => {
    const box = log.current;
    if (box) box.scrollTop = box.scrollHeight;
  };
  /** The buttons go away with the answer; on a phone the keyboard would cover the thread. */
  const choose = (one: string) => {
    const box = log.current;
    (box?.closest(".panel:not(.phone)")?.querySelector("textarea") ?? box)?.focus();
    controller.write(one);
  };
  const known = useRef({ id: conversationId, first, lastKey, ended, height: 0 });

  useLayoutEffect(() => {
    const box = log.current;
    if (!box) return;
    const before = known.current;
    const moved = before.id !== conversationId && before.id !== null;
    const ownNew = lastKey !== before.lastKey && last?.kind === "bubble" && last.own;
    if (moved || ownNew || atEnd.current) {
      atEnd.current = true;
      toEnd();
      if (unseen) setUnseen(false);
    } else if (first !== before.first || before.ended) {
      // Older messages, or what was said in the card, came in above: what is being read stays where it is.
      box.scrollTop += box.scrollHeight - before.height;
    } else if (lastKey !== before.lastKey) setUnseen(true);
    known.current = { id: conversationId, first, lastKey, ended, height: box.scrollHeight };
    if (thread?.hasMore && box.scrollHeight <= box.clientHeight + EARLY) void controller.loadOlder();
  }, [rows, typing !== null, loading, files]);

  useEffect(() => {
    if (rows.some((row) => row.kind === "bubble" && row.rich) || controller.draft("files")) ui.withFiles();
  }, [rows]);

  // The keyboard comes up, the composer grows, the window changes: who was at the end stays there.
  useEffect(() => {
    const box = log.current;
    if (!box) return;
    const watch = new ResizeObserver(() => {
      if (atEnd.current) toEnd();
    });
    watch.observe(box);
    return () => watch.disconnect();
  }, []);

  const onScroll = () => {
    const box = log.current;
    if (!box) return;
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    controller.atEnd(atEnd.current);
    if (atEnd.current && unseen) setUnseen(false);
    if (box.scrollTop < EARLY && thread?.hasMore) void controller.loadOlder();
  };

  return (
    <div class="thread">
      <div
        class="log"
        role="log"
        aria-live="off"
        aria-label={texts.messages}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        ref={log}
        onScroll={onScroll}
      >
        {thread?.hasMore && (
          <p class="older">
            <span class="sr">{texts.older}</span>
            <Dots />
          </p>
        )}
        {loading ? <Dots of="bones" /> : !thread?.hasMore && <Welcome ui={ui} state={state} />}
        {rows.map((row) => {
          if (row.kind === "bubble") return <MessageRow ui={ui} key={row.key} row={row} />;
          if (row.kind === "day") {
            return (
              <p class="day" key={row.key}>
                {dayLabel(new Date(row.at), now, locale)}
              </p>
            );
          }
          const text = eventText(row.event, texts);
          return (
            text && (
              <p class="event" key={row.key} data-message-number={row.number} data-sender="system">
                {text}
              </p>
            )
          );
        })}
        {choices.length > 0 && (
          // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be a flex box everywhere
          <div class="choices" role="group" aria-label={texts.choices}>
            {choices.map((one) => (
              <button type="button" class="plain" dir="auto" key={one} onClick={() => choose(one)}>
                {one}
              </button>
            ))}
          </div>
        )}
        {ended?.asks && asks && (
          <Later
            from={after}
            ui={ui}
            asks={state.answer}
            conversation={ended}
            grown={() => {
              known.current.height = log.current?.scrollHeight ?? 0;
              return atEnd.current;
            }}
          />
        )}
        {typing && (
          <div class="message theirs first last typing">
            <Avatar ui={ui} person={{ name: typing.name, image_url: "" }} />
            <div class="text">
              <span class="sr">{texts.typing(typing.name || texts.somebody)}</span>
              <Dots />
            </div>
          </div>
        )}
      </div>
      {unseen && (
        <button type="button" class="jump" onClick={toEnd}>
          <Icon name="down" />
          {texts.newMessages}
        </button>
      )}
    </div>
  );
}
