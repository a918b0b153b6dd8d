import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import type { Completion, Suggestion } from "./line.ts";

interface SuggestOptions {
  /** What is typed; the choice starts anew whenever it changes. */
  text: string;
  completion: Completion | null;
  onTake: (suggestion: Suggestion) => void;
}

export interface Suggest {
  listId: string;
  optionId: (index: number) => string;
  shown: Completion | null;
  active: number | null;
  setActive: (index: number) => void;
  /** True when the key was for the list. Enter is left to the field, which knows what it means. */
  onKey: (event: KeyboardEvent) => boolean;
  close: () => void;
  take: (index: number) => void;
}

/** A list under the fingers of whoever types: the focus stays in the field, the list says which one is meant. */
export function useSuggest({ text, completion, onTake }: SuggestOptions): Suggest {
  const listId = useId();
  const [chosen, setChosen] = useState<{ text: string; index: number } | null>(null);
  const [closed, setClosed] = useState<string | null>(null);
  // Closed stays closed while the same line goes on; whoever goes back behind that point wants to choose again.
  const shown = completion && !(closed !== null && text.startsWith(closed)) ? completion : null;
  const active = shown ? (chosen?.text === text ? chosen.index : shown.first) : null;
  useEffect(() => {
    if (closed !== null && !text.startsWith(closed)) setClosed(null);
  }, [closed, text]);

  const setActive = (index: number) => setChosen({ text, index });
  const take = (index: number) => {
    const item = shown?.items[index];
    if (item) onTake(item);
  };
  const onKey = (event: KeyboardEvent): boolean => {
    if (!shown) return false;
    const { length } = shown.items;
    if (event.key === "ArrowDown") setActive(active === null ? 0 : (active + 1) % length);
    else if (event.key === "ArrowUp")
      setActive(active === null ? length - 1 : (active - 1 + length) % length);
    else if (event.key === "Tab" && !event.shiftKey) take(active ?? 0);
    else if (event.key === "Escape") setClosed(text);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  const optionId = (index: number) => `${listId}-${index}`;
  return { listId, optionId, shown, active, setActive, onKey, close: () => setClosed(text), take };
}

const NAMES: Record<Completion["kind"], [one: string, many: string]> = {
  command: ["command", "commands"],
  person: ["operator or group", "operators and groups"],
  group: ["group", "groups"],
  tag: ["tag", "tags"],
  topic: ["topic", "topics"],
  saved: ["saved text", "saved texts"],
};

/** What a reader hears when the list changes; the chosen line itself is read by the field. */
function spoken(completion: Completion): string {
  const [one, many] = NAMES[completion.kind];
  const { length } = completion.items;
  return `${length} ${length === 1 ? one : many} to choose from`;
}

export function Suggestions({ suggest }: { suggest: Suggest }) {
  const { shown, active, listId } = suggest;
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (active === null) return;
    list.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active]);
  return (
    <>
      <div className="hidden-text" role="status">
        {shown ? spoken(shown) : ""}
      </div>
      {shown && (
        <div
          ref={list}
          id={listId}
          className="suggestions"
          data-kind={shown.kind}
          role="listbox"
          aria-label={NAMES[shown.kind][1]}
          // It scrolls, so it must be reachable; Tab in the field takes a line before it would get here.
          tabIndex={0}
        >
          {shown.items.map((item, index) => (
            // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field, which points here
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keys
            <div
              key={item.id}
              id={suggest.optionId(index)}
              className="suggestion"
              role="option"
              aria-selected={index === active}
              onPointerMove={() => index !== active && suggest.setActive(index)}
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => suggest.take(index)}
            >
              <span className="suggestion-name" dir="auto">
                <span className="suggestion-label">{item.label}</span>{" "}
                {item.detail && <span className="suggestion-detail">{item.detail}</span>}
              </span>{" "}
              {item.help && <span className="suggestion-help">{item.help}</span>}
            </div>
          ))}
        </div>
      )}
    </>
  );
}
