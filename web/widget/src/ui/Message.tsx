import { Fragment, h } from "preact";
import { useMemo } from "preact/hooks";
import { timeOfDay } from "../../../shared/clock";
import { isEmojiOnly } from "../../../shared/emoji";
import { linkify } from "../../../shared/linkify";
import type { Bubble, BubbleState } from "../model/view";
import type { Texts } from "../texts/en";
import type { EventNote } from "../wire";
import { Avatar } from "./Avatar";
import type { Ui } from "./context";
import { Icon, type IconName } from "./Icon";

const TICK: Record<BubbleState, IconName> = {
  sending: "clock",
  sent: "check",
  delivered: "checks",
  read: "checks",
  failed: "alert",
};

function Body({ text }: { text: string }) {
  const pieces = useMemo(() => linkify(text), [text]);
  return (
    <>
      {pieces.map((piece, i) =>
        piece.href ? (
          <a key={i} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
            {piece.text}
          </a>
        ) : (
          piece.text
        ),
      )}
    </>
  );
}

export function MessageRow({ ui, row }: { ui: Ui; row: Bubble }) {
  const { controller, texts, locale, files } = ui;
  const { own, state, clientId, body, rich } = row;
  const failed = own && state === "failed";
  const who = own ? texts.you : row.name || texts.team;
  const show = (words: string) => (
    <div class={isEmojiOnly(words) ? "text emoji" : "text"} dir="auto">
      <Body text={words} />
    </div>
  );
  return (
    <div
      class={`message ${own ? "own" : "theirs"}${row.first ? " first" : ""}${row.last ? " last" : ""}${failed ? " failed" : ""}`}
      data-message-number={row.number ?? ""}
      data-state={state}
      data-sender={own ? "contact" : row.bot ? "bot" : "operator"}
    >
      {!own && row.last && <Avatar ui={ui} person={{ name: who, image_url: row.image }} />}
      {!own && row.first ? <span class="name">{who}</span> : <span class="sr">{who}: </span>}
      {rich && files ? (
        <files.Rich row={row} rich={rich} text={body && show(body)} />
      ) : (
        show(body || (rich?.media?.name ?? ""))
      )}
      {failed && clientId ? (
        <span class="meta">
          <button type="button" class="retry" onClick={() => controller.retry(clientId)}>
            <Icon name="alert" />
            {texts.failed}
          </button>
          <button type="button" class="retry" onClick={() => controller.discard(clientId)}>
            {texts.discard}
          </button>
        </span>
      ) : (
        row.last && (
          <span class="meta">
            <time dateTime={row.at} dir="auto">
              {timeOfDay(new Date(row.at), locale)}
            </time>
            {own && <Icon name={TICK[state]} label={texts[state]} />}
          </span>
        )
      )}
    </div>
  );
}

export function eventText(event: EventNote, texts: Texts): string {
  const name = event.by?.name ?? "";
  switch (event.name) {
    case "ended":
      if (event.reason === "timeout") return texts.endedTimeout;
      if (event.reason === "contact" || event.by?.type === "contact") return texts.endedByContact;
      return name ? texts.endedBy(name) : texts.ended;
    case "reopened":
      return texts.reopened;
    case "assigned":
      return event.operator ? texts.joined(event.operator.name) : "";
    case "forwarded":
      return texts.forwarded(event.operator?.name ?? event.group?.name ?? "");
    case "channel_changed":
      return event.channel ? texts.movedTo(event.channel.name) : "";
    case "rating": {
      const { form, value } = event.rating ?? {};
      return form === "thumbs" ? (value === 5 ? "👍" : "👎") : texts.rated(value ?? 0);
    }
    case "survey":
      return `${event.survey?.question} ${event.survey?.option}`;
    default:
      return "";
  }
}
