import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { State } from "../model/state";
import { currentOf } from "../model/view";
import { useUi } from "./context";
import { Icon } from "./Icon";

const LINES = 5;
const LONGEST = 20_000;

export function Composer({ state }: { state: State }) {
  const { controller, texts } = useUi();
  const box = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => controller.draft());
  const ended = currentOf(state)?.status === "ended";

  // Another conversation, or the same draft changed in another tab; never under the visitor's fingers.
  const shown = useRef(state.conversationId);
  useEffect(() => {
    const active = box.current?.matches(":focus") && document.hasFocus();
    if (shown.current === state.conversationId && active) return;
    shown.current = state.conversationId;
    setText(controller.draft());
  }, [controller, state.conversationId, state.drafts]);

  // The height follows the text.
  useLayoutEffect(() => {
    const area = box.current;
    if (!area) return;
    const style = getComputedStyle(area);
    const line = Number.parseFloat(style.lineHeight) || 20;
    const padding = Number.parseFloat(style.paddingTop) + Number.parseFloat(style.paddingBottom);
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, Math.ceil(line * LINES + padding))}px`;
    area.style.overflowY = area.scrollHeight > line * LINES + padding + 1 ? "auto" : "hidden";
  }, [text]);

  const send = () => {
    if (!text.trim()) return;
    controller.write(text);
    setText("");
    box.current?.focus();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={box}
        rows={1}
        dir="auto"
        aria-label={texts.writeMessage}
        placeholder={ended ? texts.writeAgain : texts.writeMessage}
        maxLength={LONGEST}
        enterkeyhint="send"
        autocomplete="off"
        value={text}
        onInput={(event) => {
          const { value } = event.currentTarget;
          setText(value);
          controller.setDraft(value);
          if (value.trim()) controller.typed();
        }}
        onKeyDown={(event) => {
          // While an input method composes, Enter chooses a candidate (229: browsers that do not say so).
          if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
          event.preventDefault();
          send();
        }}
      />
      <button type="submit" class="send" aria-label={texts.send} disabled={!text.trim()}>
        <Icon name="send" />
      </button>
    </form>
  );
}
