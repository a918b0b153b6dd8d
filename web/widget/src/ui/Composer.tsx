import { Fragment, h } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { State } from "../model/state";
import { currentOf } from "../model/view";
import type { Ui } from "./context";
import { Icon, Tool } from "./Icon";

/** Five lines, as the style sheet has them. */
const TALLEST = 5 * 22 + 12;
const LONGEST = 20_000;

export function Composer({ ui, state }: { ui: Ui; state: State }) {
  const { controller, texts, files } = ui;
  const limit = state.answer.max_upload;
  const picker = useRef<HTMLInputElement>(null);
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
    const { style } = area;
    style.height = "auto";
    const tall = area.scrollHeight;
    style.height = `${Math.min(tall, TALLEST)}px`;
    style.overflowY = tall > TALLEST ? "auto" : "hidden";
  }, [text]);

  // A browser without recorder, or a page without TLS, has no voice notes.
  const voice = limit && window.MediaRecorder && navigator.mediaDevices;
  const idle = !text.trim() && !files?.waiting();

  const send = () => {
    if (idle) return;
    if (files) files.send(text);
    else controller.write(text);
    setText("");
    box.current?.focus();
  };

  return (
    <>
      {files && <files.Tray />}
      <form
        class="composer"
        hidden={files?.recording()}
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        {limit && (
          <>
            <input
              ref={picker}
              type="file"
              multiple
              hidden
              onChange={() => ui.withFiles((one) => one.pick(picker.current))}
            />
            <Tool
              icon="clip"
              label={texts.attach(Math.round(limit / 104_858) / 10)}
              onClick={() => picker.current?.click()}
            />
          </>
        )}
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
        {voice && idle ? (
          <Tool icon="mic" label={texts.record} onClick={() => ui.withFiles((one) => one.record())} />
        ) : (
          <button type="submit" class="tool send" aria-label={texts.send} disabled={idle}>
            <Icon name="send" />
          </button>
        )}
      </form>
    </>
  );
}
