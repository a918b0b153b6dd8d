import type { FunctionComponent } from "preact";
import { voiceTexts } from "../texts/voice";
import type { Desk } from "./Files";
import { type Recorder, startRecorder } from "./recorder";
import css from "./voice.css?inline";

// The recorder in the composer's place. Loaded when the visitor first wants to speak.

/** A voice note ends here. */
const LONGEST = 5 * 60_000;
/** The end is told so many seconds before. */
const WARNING = 30;
const BARS = 40;

export const start = startRecorder;

/** Why there is no microphone, from the name of the browser's exception. */
export function explain(fault: string, lang: string): string {
  const texts = voiceTexts(lang);
  if (fault === "NotFoundError") return texts.noMicrophone;
  return fault === "NotAllowedError" || fault === "SecurityError" ? texts.noLeave : texts.microphoneBusy;
}

export function make(desk: Desk): FunctionComponent<{ recorder: Recorder }> {
  const { kit, ui, Glyph, clock } = desk;
  const texts = voiceTexts(ui.lang);
  const { h, useEffect, useRef, useState } = kit;
  ui.dress(css);

  return function Listening({ recorder }: { recorder: Recorder }) {
    const [ms, tick] = useState(0);
    const send = useRef<HTMLButtonElement>(null);
    const alone = useRef(true);
    const end = (how: "send" | "keep" | "discard") => {
      alone.current = false;
      const box = send.current?.closest(".panel")?.querySelector("textarea");
      desk.endRecording(how);
      // The composer is there again with the next drawing.
      setTimeout(() => box?.focus());
    };
    useEffect(() => {
      send.current?.focus();
      const timer = setInterval(() => {
        tick(recorder.ms());
        if (recorder.ms() < LONGEST) return;
        desk.explain(texts.full);
        end("keep");
      }, 100);
      return () => {
        clearInterval(timer);
        // The messenger was closed or shows something else: what was said so far stays attached.
        if (alone.current) desk.endRecording("keep");
      };
    }, []);
    const left = Math.ceil((LONGEST - ms) / 1000);
    const bars = recorder.levels.slice(-BARS);
    return (
      // biome-ignore lint/a11y/useSemanticElements: a fieldset belongs to a form and cannot be a flex box everywhere
      <div
        class="recorder"
        role="group"
        aria-label={desk.texts.voice}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          end("discard");
        }}
      >
        <button
          type="button"
          class="tool"
          aria-label={texts.discard}
          title={texts.discard}
          onClick={() => end("discard")}
        >
          <Glyph name="bin" />
        </button>
        <span class="live" aria-hidden="true" />
        <span class="time">
          {clock(ms / 1000)}
          <span class="sr"> / 5:00</span>
        </span>
        <span class="levels" aria-hidden="true">
          {bars.map((level, i) => (
            <i
              key={recorder.levels.length - bars.length + i}
              style={{ height: `${8 + Math.sqrt(level) * 92}%` }}
            />
          ))}
        </span>
        <span class="sr" role="status">
          {left <= WARNING ? texts.left(WARNING) : texts.recording}
        </span>
        {left <= WARNING && (
          <span class="left" aria-hidden="true">
            {clock(left)}
          </span>
        )}
        <button
          ref={send}
          type="button"
          class="tool send"
          aria-label={texts.sendVoice}
          title={texts.sendVoice}
          onClick={() => end("send")}
        >
          <Glyph name="up" />
        </button>
      </div>
    );
  };
}
