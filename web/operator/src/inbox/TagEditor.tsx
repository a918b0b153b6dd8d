import { type RefObject, useId, useRef, useState } from "react";
import { Button, Popover } from "react-aria-components";
import type { Conversation } from "../api/types.ts";
import { useLive } from "../app/live-context.ts";
import { Icon } from "../design/icons.tsx";
import { toast } from "../design/toasts.tsx";
import { Suggestions, useSuggest } from "./commands/Suggestions.tsx";
import { useTags } from "./commands/useCommands.ts";
import { tagCompletion, useTagsOf, wantTags, withTags } from "./tags.ts";

interface EditorProps {
  conversation: Conversation;
  autoFocus?: boolean;
}

/** The tags as they are, and a field that adds one. Each change is saved at once; taking one off is the undo. */
export function TagEditor({ conversation, autoFocus }: EditorProps) {
  const live = useLive();
  const tags = useTagsOf(conversation);
  const [text, setText] = useState("");
  const [fault, setFault] = useState("");
  const [focused, setFocused] = useState(false);
  const used = useTags(focused);
  const field = useRef<HTMLInputElement>(null);
  const faultId = useId();

  const save = (next: string[]) => wantTags(live, conversation.id, next, (error) => toast(error.detail));
  const add = (more: string) => {
    const next = withTags(tags, more);
    if ("fault" in next) {
      setFault(next.fault);
      return;
    }
    setText("");
    setFault("");
    if (next.length > tags.length) save(next);
  };
  const remove = (tag: string) => {
    save(tags.filter((each) => each !== tag));
    field.current?.focus();
  };
  const suggest = useSuggest({
    text,
    completion: focused ? tagCompletion(text, used, tags) : null,
    onTake: (suggestion) => add(text.slice(0, text.lastIndexOf(",") + 1) + suggestion.line),
  });

  return (
    <div className="tag-editor">
      {tags.length > 0 && (
        <ul className="chips" aria-label="Tags">
          {tags.map((tag) => (
            <li key={tag} className="chip">
              <span dir="auto">{tag}</span>
              <Button
                className="chip-remove"
                aria-label={`Remove the tag ${tag}`}
                onPress={() => remove(tag)}
              >
                <Icon name="close" size={12} />
              </Button>
            </li>
          ))}
        </ul>
      )}
      <div className="tag-field">
        <Icon name="tag" size={16} />
        <input
          ref={field}
          className="tag-input"
          dir="auto"
          role="combobox"
          aria-label="Add a tag"
          aria-autocomplete="list"
          aria-expanded={suggest.shown !== null}
          aria-controls={suggest.listId}
          aria-activedescendant={suggest.active === null ? undefined : suggest.optionId(suggest.active)}
          aria-invalid={fault !== "" || undefined}
          aria-describedby={fault ? faultId : undefined}
          placeholder="Add a tag"
          // biome-ignore lint/a11y/noAutofocus: the window was opened to type here
          autoFocus={autoFocus}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setFault("");
          }}
          onKeyDown={(event) => {
            if (event.nativeEvent.isComposing) return;
            // An empty field has nothing to complete: Tab goes on to what is next, Escape leaves.
            const leaves = text === "" && (event.key === "Tab" || event.key === "Escape");
            if (!leaves && suggest.onKey(event)) return;
            if (event.key === "Enter" || (event.key === "," && text.trim() !== "")) {
              event.preventDefault();
              if (suggest.active === null) add(text);
              else suggest.take(suggest.active);
            } else if (event.key === "Backspace" && text === "" && tags.length > 0) {
              save(tags.slice(0, -1));
            } else if (event.key === "Escape" && text !== "") {
              event.stopPropagation();
              setText("");
            } else if (event.key === "Escape" && !autoFocus) {
              event.stopPropagation();
              field.current?.blur();
            }
          }}
          onFocus={() => setFocused(true)}
          onBlur={() => setFocused(false)}
        />
        <Suggestions suggest={suggest} />
      </div>
      {fault && (
        <span className="field-error" id={faultId} role="alert">
          {fault}
        </span>
      )}
    </div>
  );
}

export function TagPopover(props: {
  conversation: Conversation;
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
}) {
  return (
    <Popover
      className="popover tag-popover"
      triggerRef={props.anchor}
      isOpen
      onOpenChange={(open) => !open && props.onClose()}
      placement="bottom end"
      offset={4}
      aria-label="Tags"
    >
      <TagEditor conversation={props.conversation} autoFocus />
    </Popover>
  );
}
