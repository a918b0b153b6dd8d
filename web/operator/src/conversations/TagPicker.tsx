import { type FormEvent, useState } from "react";
import { Action } from "../design/Action.tsx";
import { TextEntry } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { withTags } from "../inbox/tags.ts";
import { useTags } from "./FilterBar.tsx";

/** So many of the known tags are offered; the rest is found by typing. */
const OFFERED = 12;

interface TagProps {
  /** Only what exists can be taken away; what is put on may be new. */
  removing: boolean;
  action: string;
  onPick: (tags: string[]) => void;
  onCancel: () => void;
}

export function TagPicker({ removing, action, onPick, onCancel }: TagProps) {
  const known = useTags();
  const [chosen, setChosen] = useState<string[]>([]);
  const [line, setLine] = useState("");
  const typed = withTags(chosen, line);
  const fault = "fault" in typed ? typed.fault : undefined;
  const all = "fault" in typed ? chosen : typed;
  const words = line.trim().toLocaleLowerCase();
  const offered = (known.data ?? [])
    .filter(({ tag }) => !chosen.includes(tag) && tag.toLocaleLowerCase().includes(words))
    .slice(0, OFFERED);

  const add = (tag: string) => {
    const next = withTags(chosen, tag);
    if ("fault" in next) return setLine(tag);
    setChosen(next);
    setLine("");
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // Enter takes what is typed first; with nothing typed it means the button.
    if (line.trim() !== "" && !fault) add(line);
    else if (all.length > 0 && !fault) onPick(all);
  };
  return (
    <form className="tag-picker" onSubmit={submit}>
      <TextEntry
        label="Tags"
        value={line}
        onChange={(next) => (next.endsWith(",") ? add(next) : setLine(next))}
        error={fault}
        hint={removing ? "Type to find one." : "A new one is made by typing it. Enter or a comma takes it."}
        autoFocus
      />
      {chosen.length > 0 && (
        <ul className="tag-set" aria-label="Chosen tags">
          {chosen.map((tag) => (
            <li key={tag}>
              <button
                type="button"
                className="tag-chip taken"
                aria-label={`Leave out ${tag}`}
                onClick={() => setChosen(chosen.filter((each) => each !== tag))}
              >
                <span dir="auto">{tag}</span>
                <Icon name="close" size={14} />
              </button>
            </li>
          ))}
        </ul>
      )}
      {offered.length > 0 && (
        <div className="tag-offers">
          <span className="field-hint">In use</span>
          <ul className="tag-set" aria-label="Tags in use">
            {offered.map(({ tag, count }) => (
              <li key={tag}>
                <button type="button" className="tag-chip" onClick={() => add(tag)}>
                  <span dir="auto">{tag}</span>
                  <span className="tag-chip-count" aria-hidden="true">
                    {count}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
      <div className="dialog-actions">
        <Action onPress={onCancel}>Cancel</Action>
        <Action
          kind="primary"
          isDisabled={all.length === 0 || fault !== undefined}
          onPress={() => onPick(all)}
        >
          {action}
        </Action>
      </div>
    </form>
  );
}
