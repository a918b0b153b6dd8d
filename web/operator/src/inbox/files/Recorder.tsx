import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { Action, IconAction } from "../../design/Action.tsx";
import { Icon } from "../../design/icons.tsx";
import type { OutgoingFile } from "../outbox.ts";
import { LONGEST_MS, Recording, troubleText } from "./recording.ts";
import { lengthText } from "./sizes.ts";
import { uploads } from "./upload-desk.ts";
import "./files.css";

const BARS = 48;
/** Shorter is a slip of the finger. */
const SHORTEST_MS = 500;

interface Props {
  /** Where a recording goes that was neither sent nor cancelled: the operator looked at another conversation. */
  tray: string;
  note: boolean;
  onSend: (file: OutgoingFile) => void;
  onClose: () => void;
}

/** Records a voice message in place of what is written. Space pauses, Enter sends, Esc cancels. */
export default function Recorder({ tray, note, onSend, onClose }: Props) {
  const frame = useRef<HTMLFieldSetElement>(null);
  const recording = useRef<Recording | null>(null);
  const [, setTick] = useState(0);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const over = useRef(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: one recording for each time it is shown
  useEffect(() => {
    let gone = false;
    frame.current?.focus();
    Recording.start(() => setTick((tick) => tick + 1)).then(
      (made) => {
        if (gone) made.cancel();
        else {
          recording.current = made;
          setTick(1);
        }
      },
      (cause) => setTrouble(troubleText(cause)),
    );
    return () => {
      gone = true;
      const left = recording.current;
      if (!left || over.current || left.elapsed < SHORTEST_MS) left?.cancel();
      else void left.finish().then(({ blob, name, voice }) => uploads.addVoice(blob, name, voice, tray));
    };
  }, []);

  const now = recording.current;
  const elapsed = now?.elapsed ?? 0;
  const close = () => {
    over.current = true;
    onClose();
  };
  const send = () => {
    if (!now || busy || now.elapsed < SHORTEST_MS) return;
    setBusy(true);
    over.current = true;
    now.finish().then(
      ({ blob, name, voice }) => {
        const { key, size } = uploads.addVoice(blob, name, voice);
        onSend({ key, name, size, voice: true });
        onClose();
      },
      (cause) => setTrouble(troubleText(cause)),
    );
  };
  const hold = () => {
    if (now?.paused) now.resume();
    else now?.pause();
    setTick((tick) => tick + 1);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") close();
    // On a button, Space and Enter are the button's.
    else if (event.target !== frame.current) return;
    else if (event.key === " ") hold();
    else if (event.key === "Enter") send();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  if (trouble) {
    return (
      <div className="composer-fault recorder-trouble" role="alert">
        <Icon name="alert" size={16} />
        <span className="composer-fault-text">{trouble}</span>
        <Action small onPress={close}>
          Close
        </Action>
      </div>
    );
  }
  const shown = now?.levels.slice(-BARS) ?? [];
  const full = now?.full ?? false;
  return (
    <fieldset
      ref={frame}
      className="recorder"
      tabIndex={-1}
      onKeyDown={onKeyDown}
      aria-label="Recording a voice message. Space pauses, Enter sends, Escape cancels."
    >
      <IconAction icon="trash" label="Cancel the recording" shortcut="Esc" onPress={close} />
      <span className={now && !now.paused ? "recorder-dot on" : "recorder-dot"} />
      <span className="recorder-time">
        {lengthText(elapsed)} <span>of {lengthText(LONGEST_MS)}</span>
      </span>
      <span className="recorder-level" aria-hidden="true">
        {shown.map((level, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: bars are places, not things
          <i key={index} style={{ height: `${Math.max(8, Math.round(Math.min(1, level * 2.5) * 100))}%` }} />
        ))}
      </span>
      <IconAction
        icon={now?.paused ? "play" : "pause"}
        label={now?.paused ? "Go on recording" : "Pause the recording"}
        shortcut="Space"
        onPress={hold}
        isDisabled={!now || full}
      />
      <Action kind="primary" icon="send" onPress={send} isDisabled={!now || busy || elapsed < SHORTEST_MS}>
        {note ? "Add note" : "Send"}
      </Action>
      <span className="hidden-text" role="status">
        {!now
          ? "Waiting for the microphone"
          : full
            ? "The longest a voice message can be"
            : now.paused
              ? "Paused"
              : "Recording"}
      </span>
    </fieldset>
  );
}
