import type { State } from "../model/state";
import { listTexts } from "../texts/list";
import type { Ui } from "./context";
import type { Kit } from "./Later";
import css from "./list.css?inline";

// All conversations of the visitor. Loaded when the list is opened.

export interface ListProps {
  ui: Ui;
  state: State;
}

export function make({ h, useEffect, useRef, Avatar, Icon, eventText, isOver, shortMoment }: Kit) {
  return function List({ ui, state }: ListProps) {
    useEffect(() => {
      ui.dress(css);
      box.current?.querySelector("button")?.focus();
    }, []);
    const box = useRef<HTMLDivElement>(null);
    const { controller, texts, locale } = ui;
    const own = listTexts(ui.lang);
    const now = new Date();
    const { title } = state.answer.widget;
    const running = state.conversations.some((one) => !isOver(one));
    return (
      <div ref={box} class="list">
        <ul>
          {state.conversations.map((one) => {
            const last = one.last_message;
            const name = one.operator?.name || title;
            const text =
              last &&
              (last.deleted_at
                ? texts.deleted
                : last.body || last.media?.name || (last.event && eventText(last.event, texts)));
            return (
              <li key={one.id}>
                <button type="button" onClick={() => controller.showConversation(one.id)}>
                  <Avatar ui={ui} person={one.operator ?? { name: title, image_url: "" }} />
                  <span class="who">{name}</span>
                  <time dateTime={one.updated_at} dir="auto">
                    {shortMoment(new Date(last?.sent_at ?? one.updated_at), now, locale)}
                  </time>
                  <span class="what" dir="auto">
                    {text
                      ? last?.sender.type === "contact"
                        ? `${texts.you}: ${text}`
                        : text
                      : !last && own.noMessages}
                  </span>
                  {one.unread > 0 ? (
                    <span class="count">
                      {one.unread}
                      <span class="sr"> {texts.unread(one.unread)}</span>
                    </span>
                  ) : (
                    <span class="status">{isOver(one) ? own.ended : own.open}</span>
                  )}
                </button>
              </li>
            );
          })}
        </ul>
        {/* While one goes on, the server would put a new message there. */}
        {!running && (
          <button type="button" class="primary" onClick={() => controller.showConversation(null)}>
            <Icon name="pen" />
            {texts.newConversation}
          </button>
        )}
      </div>
    );
  };
}
