import {
  type KeyboardEvent,
  type Ref,
  useCallback,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { ToggleButton, ToggleButtonGroup } from "react-aria-components";
import type { Conversation } from "../api/types.ts";
import { useLive } from "../app/live-context.ts";
import { useMe } from "../app/me.ts";
import { Action } from "../design/Action.tsx";
import { Icon } from "../design/icons.tsx";
import { type DraftKind, draftsOf, useDraft } from "./drafts.ts";
import { useOutbox } from "./useOutbox.ts";

export interface ComposerHandle {
  focus(kind: DraftKind): void;
}

interface ComposerProps {
  conversation: Conversation;
  ending: boolean;
  ref: Ref<ComposerHandle>;
}

const LONGEST = 20_000;
const TYPING_PAUSE = 2000;
const coarse = window.matchMedia("(pointer: coarse)");

export function Composer({ conversation, ending, ref }: ComposerProps) {
  const live = useLive();
  const me = useMe().operator;
  const box = useOutbox();
  const { id } = conversation;
  const ended = conversation.status === "ended";
  const drafts = draftsOf(me.id);
  const [kind, setKind] = useState<DraftKind>(() => (ended || drafts.get(id, "note") ? "note" : "reply"));
  const text = useDraft(me.id, id, kind);
  const area = useRef<HTMLTextAreaElement>(null);
  const told = useRef(0);
  const locked = kind === "reply" && (ended || ending);

  useImperativeHandle(ref, () => ({
    focus: (next) => {
      setKind(next);
      requestAnimationFrame(() => area.current?.focus());
    },
  }));

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const field = area.current;
    if (!field) return;
    if (text === "") {
      // Nothing to measure: measuring costs a layout at every change of conversation.
      field.style.height = "";
      return;
    }
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 220)}px`;
  }, [text, kind]);

  const write = useCallback(
    (next: string) => {
      drafts.set(id, kind, next);
      const now = Date.now();
      if (kind === "reply" && next.trim() !== "" && now - told.current >= TYPING_PAUSE) {
        told.current = now;
        live.typing(id);
      }
    },
    [drafts, id, kind, live],
  );

  const body = text.trim();
  const tooLong = [...body].length > LONGEST;
  const send = () => {
    if (!body || tooLong || locked) return;
    box.add(id, body, kind === "note", new Date().toISOString());
    drafts.set(id, kind, "");
    told.current = 0;
    area.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !coarse.matches) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      area.current?.blur();
    }
  };

  return (
    <div className="composer" data-kind={kind}>
      <div className="composer-head">
        <ToggleButtonGroup
          className="segments"
          selectionMode="single"
          disallowEmptySelection
          aria-label="Kind of message"
          selectedKeys={[kind]}
          onSelectionChange={(chosen) => {
            const [next] = chosen as Set<DraftKind>;
            if (next) setKind(next);
          }}
        >
          <ToggleButton id="reply" className="segment">
            <Icon name="reply" size={15} /> Reply
          </ToggleButton>
          <ToggleButton id="note" className="segment">
            <Icon name="note" size={15} /> Note
          </ToggleButton>
        </ToggleButtonGroup>
        <span className="composer-hint">
          {kind === "note" ? "Only operators see notes" : `To ${conversation.contact.display_name}`}
        </span>
      </div>
      {locked ? (
        <p className="composer-locked">
          <Icon name="checkCircle" size={16} />
          {ending
            ? "The conversation is being ended. Undo to go on writing."
            : "This conversation has ended. Reopen it to reply; notes are always possible."}
        </p>
      ) : (
        <div className="composer-box">
          <textarea
            ref={area}
            rows={2}
            dir="auto"
            value={text}
            aria-label={kind === "note" ? "Internal note" : "Reply"}
            aria-describedby={tooLong ? `too-long-${id}` : undefined}
            aria-invalid={tooLong || undefined}
            placeholder={kind === "note" ? "Write a note for your colleagues" : "Write a reply"}
            onChange={(event) => write(event.target.value)}
            onKeyDown={onKeyDown}
          />
          <Action kind="primary" icon="send" onPress={send} isDisabled={!body || tooLong}>
            {kind === "note" ? "Add note" : "Send"}
          </Action>
        </div>
      )}
      {tooLong && (
        <p className="field-error" id={`too-long-${id}`}>
          {[...body].length - LONGEST} characters too many
        </p>
      )}
    </div>
  );
}
