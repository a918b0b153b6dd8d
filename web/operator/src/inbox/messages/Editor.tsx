import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { asApiError } from "../../api/error.ts";
import { messages } from "../../api/routes.ts";
import { useLive } from "../../app/live-context.ts";
import { Action } from "../../design/Action.tsx";
import { Icon } from "../../design/icons.tsx";
import { FileGlyph } from "../files/glyphs.tsx";
import { type Edit, endEdit, writeEdit } from "./edits.ts";

const LONGEST = 20_000;

interface Props {
  edit: Edit;
  /** Where the focus belongs when it is over. */
  onDone: () => void;
}

/** A sent message with its words open to change, where new ones are written. */
export default function Editor({ edit, onDone }: Props) {
  const live = useLive();
  const { message, text } = edit;
  const area = useRef<HTMLTextAreaElement>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const body = text.trim();
  const tooLong = [...body].length > LONGEST;
  // A file says something without words; a message without them is deleted, not edited.
  const empty = body === "" && message.type !== "media";

  // biome-ignore lint/correctness/useExhaustiveDependencies: another message is another text to begin with
  useEffect(() => {
    const field = area.current;
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  }, [message.number]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const field = area.current;
    if (!field) return;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 220)}px`;
  }, [text]);

  const leave = () => {
    endEdit(message.conversation_id);
    onDone();
  };
  const save = () => {
    if (busy || empty || tooLong) return;
    if (body === message.body.trim()) return leave();
    setBusy(true);
    setFault("");
    messages
      .edit(message, body)
      .then((answer) => {
        live.adoptChanged(message, answer);
        leave();
      })
      .catch((cause) => {
        setFault(asApiError(cause).detail);
        setBusy(false);
      });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      leave();
    } else if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      if (window.matchMedia("(pointer: coarse)").matches) return;
      event.preventDefault();
      save();
    }
  };
  const id = `edit-fault-${message.number}`;
  return (
    <>
      <div className="composer-head">
        <span className="composer-editing">
          <FileGlyph name="edit" size={16} />
          {message.note
            ? "Editing a note"
            : message.type === "media"
              ? "Editing a caption"
              : "Editing a message"}
        </span>
        <span className="composer-hint">Enter saves, Esc leaves it as it was</span>
      </div>
      <div className="composer-box">
        <textarea
          ref={area}
          rows={2}
          dir="auto"
          value={text}
          readOnly={busy}
          aria-busy={busy || undefined}
          aria-label={message.note ? "Text of the note" : "Text of the message"}
          aria-invalid={empty || tooLong || fault !== "" || undefined}
          aria-describedby={empty || tooLong || fault ? id : undefined}
          onChange={(event) => writeEdit(edit, event.target.value)}
          onKeyDown={onKeyDown}
        />
        <Action kind="quiet" onPress={leave} isDisabled={busy}>
          Cancel
        </Action>
        <Action kind="primary" icon="check" onPress={save} isDisabled={busy || empty || tooLong}>
          Save
        </Action>
      </div>
      {(empty || tooLong || fault) && (
        <div className="composer-fault" id={id} role="alert">
          <Icon name="alert" size={16} />
          <span className="composer-fault-text">
            {fault ||
              (tooLong
                ? `${[...body].length - LONGEST} characters too many`
                : "Without a text it is nothing: delete it instead.")}
          </span>
        </div>
      )}
    </>
  );
}
