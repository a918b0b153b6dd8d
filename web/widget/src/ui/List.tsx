import { h } from "preact";
import { shortMoment } from "../../../shared/clock";
import type { State } from "../model/state";
import { isOver } from "../model/view";
import { Avatar } from "./Avatar";
import type { Ui } from "./context";
import { Icon } from "./Icon";
import { eventText } from "./Message";

export function List({ ui, state }: { ui: Ui; state: State }) {
  const { controller, texts, locale } = ui;
  const now = new Date();
  const { title } = state.answer.widget;
  const running = state.conversations.some((one) => !isOver(one));
  return (
    <div class="list">
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
                    : !last && texts.noMessages}
                </span>
                {one.unread > 0 ? (
                  <span class="count">
                    {one.unread}
                    <span class="sr"> {texts.unread(one.unread)}</span>
                  </span>
                ) : (
                  <span class="status">{isOver(one) ? texts.statusEnded : texts.statusOpen}</span>
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
}
