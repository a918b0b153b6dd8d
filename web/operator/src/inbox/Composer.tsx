import {
  type ClipboardEvent,
  type KeyboardEvent,
  type Ref,
  Suspense,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { ToggleButton, ToggleButtonGroup } from "react-aria-components";
import type { Conversation } from "../api/types.ts";
import { lazily } from "../app/lazily.tsx";
import { useLive } from "../app/live-context.ts";
import { useMe } from "../app/me.ts";
import { Action } from "../design/Action.tsx";
import { Icon, type IconName } from "../design/icons.tsx";
import { toast } from "../design/toasts.tsx";
import { MissingAddon } from "./addon.tsx";
import {
  type Completion,
  findCommand,
  looksLikeCommand,
  needsArgument,
  parseLine,
  type Suggestion,
  stuckName,
} from "./commands/line.ts";
import { Suggestions, useSuggest } from "./commands/Suggestions.tsx";
import {
  takesLines,
  useCommandDesk,
  useCommandState,
  useCommands,
  useCompletion,
} from "./commands/useCommands.ts";
import { type DraftKind, draftsOf, useDraft } from "./drafts.ts";
import { sendingTray, shelf, trayOf, useTray } from "./files/held.ts";
import { useEdit } from "./messages/edits.ts";
import type { OutgoingFile } from "./outbox.ts";
import { asksForSaved, awaitsList } from "./saved/asking.ts";
import { useOutbox } from "./useOutbox.ts";

const Tray = lazily(() => import("./files/Tray.tsx"));
const Recorder = lazily(() => import("./files/Recorder.tsx"));
const Saved = lazily(() => import("./saved/Saved.tsx"));
const ChoicesDraft = lazily(() => import("./saved/ChoicesDraft.tsx"));
const Editor = lazily(() => import("./messages/Editor.tsx"));

export interface ComposerHandle {
  focus(kind: DraftKind): void;
  attach(files: File[]): void;
}

interface ComposerProps {
  conversation: Conversation;
  ending: boolean;
  /** The arrow up where nothing is written. */
  onEditLast: () => void;
  ref: Ref<ComposerHandle>;
}

const LONGEST = 20_000;
const TYPING_PAUSE = 2000;
const coarse = window.matchMedia("(pointer: coarse)");

export function Composer({ conversation, ending, onEditLast, ref }: ComposerProps) {
  const live = useLive();
  const me = useMe().operator;
  const box = useOutbox();
  const desk = useCommandDesk();
  const commands = useCommands();
  const { id } = conversation;
  const { running, fault } = useCommandState(id);
  const ended = conversation.status === "ended";
  const drafts = draftsOf(me.id);
  const [kind, setKind] = useState<DraftKind>(() => (ended || drafts.get(id, "note") ? "note" : "reply"));
  const text = useDraft(me.id, id, kind);
  const [focused, setFocused] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const told = useRef(0);
  const locked = kind === "reply" && (ended || ending);
  const tray = trayOf(id, kind);
  const files = useTray(tray);
  const chooser = useRef<HTMLInputElement>(null);
  const [recording, setRecording] = useState(false);
  const edit = useEdit(id);

  const body = text.trim();
  const line = parseLine(body);
  const command = line?.name ? findCommand(commands ?? [], line.name) : undefined;
  // A word behind the sign is asked about before it could reach a contact. A note stays a note unless it is known.
  const stuck = kind === "reply" ? stuckName(body) : null;
  const isCommand =
    (looksLikeCommand(body) && (kind === "reply" || command !== undefined || !commands)) ||
    (stuck !== null && (!commands || findCommand(commands, stuck) !== undefined));
  const [inserting, setInserting] = useState(false);
  const commanding = running !== null && running.note === (kind === "note");
  const busy = inserting || commanding;
  const choices = useDraft(me.id, id, "choices");
  const [saved, setSaved] = useState<{ text: string; completion: Completion | null } | null>(null);
  const asks = asksForSaved(text);
  const askedAt = useRef(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another field asks anew
  useEffect(() => {
    if (asks) askedAt.current = Date.now();
  }, [asks, id, kind]);
  const named =
    parseLine(text)?.rest != null && (command?.argument === "reply" || command?.argument === "question");
  const offered = asks || named ? saved : null;
  const known = useCompletion(text, id);
  const completion = offered?.text === text ? offered.completion : known;

  const focus = (next: DraftKind) => {
    setKind(next);
    requestAnimationFrame(() => {
      const field = area.current;
      field?.focus();
      field?.setSelectionRange(field.value.length, field.value.length);
    });
  };
  const attach = (chosen: File[]) => {
    if (locked) toast("Reopen the conversation first, or add the files to a note.");
    else if (chosen.length > 0) {
      import("./files/upload-desk.ts")
        .then((desk) => desk.attach(tray, chosen))
        .catch(() => toast("The files could not be attached. Check the connection."));
      area.current?.focus();
    }
  };
  useImperativeHandle(ref, () => ({ focus, attach }));

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
      desk.forgive(id);
      const now = Date.now();
      // Nobody is told of the typing of a command: the contact would wait for an answer that does not come.
      if (kind === "reply" && next.trim() !== "" && !parseLine(next) && now - told.current >= TYPING_PAUSE) {
        told.current = now;
        live.typing(id);
      }
    },
    [drafts, desk, id, kind, live],
  );
  const suggest = useSuggest({
    text,
    completion: focused && !busy ? completion : null,
    onTake: (suggestion) => take(suggestion),
  });
  const take = ({ insert, line: whole }: Suggestion) => (insert ? insert() : write(whole));

  // The palette begins a line where no draft is in its way.
  useEffect(() =>
    takesLines(id, (begun) => {
      const free = ([kind, "reply", "note"] as const).find(
        (each) => drafts.get(id, each).trim() === "" && !(each === "reply" && (ended || ending)),
      );
      if (!free) {
        toast("Send or clear what you have written first.");
        return;
      }
      drafts.set(id, free, begun);
      focus(free);
    }),
  );

  const tooLong = [...body].length > LONGEST;
  const idle = (!body && files.length === 0) || tooLong || busy || files.some((file) => file.final);
  const put = (words: string, asText: boolean, file?: OutgoingFile) => {
    const list = words !== "" && kind === "reply" && choices !== "" ? choices.split("\n") : undefined;
    box.add(id, words, kind === "note", new Date().toISOString(), asText, file, list);
  };
  const sendText = (asText = false) => {
    if (files.length === 0) put(body, asText);
    shelf.set(tray, []);
    for (const [index, file] of files.entries()) {
      const { key, name, size, voice } = file;
      shelf.set(sendingTray(key), [file]);
      put(index === 0 ? body : "", asText, { key, name, size, voice: voice !== null });
    }
    drafts.set(id, kind, "");
    desk.forgive(id);
    told.current = 0;
    area.current?.focus();
  };
  const send = () => {
    if (idle || locked) return;
    suggest.close();
    if (isCommand && box.of(id).some((entry) => entry.state !== "failed")) {
      // It would overtake: an end before the last reply would leave that one behind.
      toast("Your last message is still on its way. Try again in a moment.");
    } else if (isCommand) {
      desk.run(id, body, kind === "note");
      area.current?.focus();
    } else sendText();
  };
  /** Enter takes what the list offers, unless that is what stands there already. */
  const enter = () => {
    const meant = suggest.active === null ? undefined : suggest.shown?.items[suggest.active];
    // What was asked for is on its way: it must not go out as it was typed.
    if (awaitsList(text, offered?.text, askedAt.current, Date.now())) return;
    const ready = !meant || meant.line.trim().toLowerCase() === body.toLowerCase();
    const waits = command !== undefined && line?.rest === null && needsArgument(command);
    if (meant && (meant.insert || !ready || (waits && !text.endsWith(" ")))) take(meant);
    else send();
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing || suggest.onKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      if (coarse.matches && !isCommand) return;
      event.preventDefault();
      enter();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      area.current?.blur();
    } else if (event.key === "ArrowUp" && text === "") {
      event.preventDefault();
      onEditLast();
    }
  };
  const onPaste = (event: ClipboardEvent) => {
    const { files: pasted } = event.clipboardData;
    // Copied cells and paragraphs bring a picture of themselves along: their words are meant.
    if (pasted.length === 0 || event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    attach([...pasted]);
  };

  const hint = isCommand
    ? "A command, not a message"
    : kind === "note"
      ? "Only operators see notes"
      : `To ${conversation.contact.display_name}`;
  const faultId = `composer-fault-${id}`;
  if (edit) {
    return (
      <div className="composer" data-kind={edit.message.note ? "note" : undefined}>
        <Suspense>
          <Editor edit={edit} onDone={() => focus(kind)} />
        </Suspense>
      </div>
    );
  }
  return (
    <div className="composer" data-kind={kind} data-command={isCommand || undefined}>
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
        <span className="composer-hint">{hint}</span>
        <span className="composer-tools">
          <input
            ref={chooser}
            type="file"
            multiple
            hidden
            onChange={(event) => {
              attach([...(event.target.files ?? [])]);
              event.target.value = "";
            }}
          />
          <Tool
            icon="clip"
            label="Attach files"
            onPress={() => chooser.current?.click()}
            disabled={locked || recording}
          />
          <Tool
            icon="mic"
            label="Record a voice message"
            onPress={() => setRecording(true)}
            disabled={locked || recording}
          />
        </span>
      </div>
      {recording && !locked ? (
        <Suspense>
          <Recorder
            tray={tray}
            note={kind === "note"}
            onSend={(file) => put("", false, file)}
            onClose={() => {
              setRecording(false);
              focus(kind);
            }}
          />
        </Suspense>
      ) : locked ? (
        <p className="composer-locked">
          <Icon name="checkCircle" size={16} />
          {ending
            ? "The conversation is being ended. Undo to go on writing."
            : "This conversation has ended. Reopen it to reply; notes are always possible."}
        </p>
      ) : (
        <>
          {files.length > 0 && (
            <Suspense>
              <Tray files={files} note={kind === "note"} />
            </Suspense>
          )}
          {(asks || named) && focused && (
            <Suspense>
              <Saved
                text={text}
                conversationId={id}
                commands={commands}
                onFound={(found, next) => setSaved({ text: found, completion: next })}
                onBusy={setInserting}
                onInsert={(next, list) => {
                  write(next);
                  if (kind === "reply" && list) drafts.set(id, "choices", list.join("\n"));
                }}
              />
            </Suspense>
          )}
          {choices !== "" && kind === "reply" && (
            <Suspense>
              <ChoicesDraft
                list={choices.split("\n")}
                clickable={conversation.channel.id === null}
                onRemove={() => {
                  drafts.set(id, "choices", "");
                  area.current?.focus();
                }}
              />
            </Suspense>
          )}
          <Suggestions suggest={suggest} />
          <div className="composer-box">
            <textarea
              ref={area}
              rows={2}
              dir="auto"
              value={text}
              readOnly={busy}
              aria-busy={busy || undefined}
              aria-label={kind === "note" ? "Internal note" : "Reply"}
              aria-describedby={tooLong ? `too-long-${id}` : fault ? faultId : undefined}
              aria-invalid={tooLong || fault !== null || undefined}
              // A field of several lines may not be called a combobox; it has all of one's other marks.
              aria-autocomplete="list"
              aria-haspopup={suggest.shown ? "listbox" : undefined}
              aria-controls={suggest.shown ? suggest.listId : undefined}
              aria-activedescendant={
                suggest.shown && suggest.active !== null ? suggest.optionId(suggest.active) : undefined
              }
              placeholder={
                kind === "note"
                  ? "Write a note for your colleagues"
                  : "Write a reply, # for saved texts, $ for commands"
              }
              onChange={(event) => write(event.target.value)}
              onKeyDown={onKeyDown}
              onPaste={onPaste}
              onFocus={() => setFocused(true)}
              onBlur={() => setFocused(false)}
            />
            <Action kind="primary" icon={isCommand ? "bolt" : "send"} onPress={send} isDisabled={idle}>
              {isCommand
                ? !commanding
                  ? "Run"
                  : running.state === "waiting"
                    ? "Waiting…"
                    : "Running…"
                : kind === "note"
                  ? "Add note"
                  : "Send"}
            </Action>
          </div>
        </>
      )}
      {commanding && running.state === "waiting" && (
        <p className="composer-wait" role="status">
          <Icon name="clock" size={16} />
          <span>Waiting for the connection; the command runs as soon as it is back.</span>
          <Action small kind="quiet" onPress={() => desk.cancel(id)}>
            Cancel
          </Action>
        </p>
      )}
      {fault && fault.line === body && (
        <div className="composer-fault" id={faultId} role="alert">
          <Icon name="alert" size={16} />
          <span className="composer-fault-text">
            {fault.code === "addon.missing" ? <MissingAddon detail={fault.detail} /> : fault.detail}
          </span>
          {fault.code === "command.unknown" && (
            <Action small onPress={() => sendText(true)}>
              {kind === "note" ? "Add as a note" : "Send as text"}
            </Action>
          )}
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

interface ToolProps {
  icon: IconName;
  label: string;
  disabled: boolean;
  onPress: () => void;
}

/** A plain button: at every change of conversation it is made anew, and has to cost nothing. */
function Tool({ icon, label, disabled, onPress }: ToolProps) {
  return (
    <button
      type="button"
      className="button quiet icon-only"
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onPress}
    >
      <Icon name={icon} />
    </button>
  );
}
