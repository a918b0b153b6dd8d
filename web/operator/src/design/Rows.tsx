import { type ReactNode, useRef, useState } from "react";
import { Action, IconAction } from "./Action.tsx";

interface RowsProps<Item> {
  items: Item[];
  onChange: (items: Item[]) => void;
  /** What one is called: "option". */
  kind: string;
  fresh: () => Item;
  most?: number;
  /** The order means something: rows can be moved. */
  ordered?: boolean;
  /** How the fields of a row stand. */
  className: string;
  children: (item: Item, index: number, change: (item: Item) => void) => ReactNode;
}

/** A list that is written by hand: rows of fields that are added, removed and put in order. */
export function Rows<Item>(props: RowsProps<Item>) {
  const { items, onChange, kind, ordered } = props;
  const list = useRef<HTMLUListElement>(null);
  const add = useRef<HTMLDivElement>(null);
  const [told, setTold] = useState("");
  /** Where the hand goes on, once the rows are drawn anew. */
  const focus = (index: number, part: string) =>
    requestAnimationFrame(() => {
      const row = list.current?.children[index];
      const target =
        row?.querySelector<HTMLElement>(`${part}:not([disabled])`) ?? row?.querySelector("input");
      (target ?? add.current?.querySelector("button"))?.focus();
    });
  const remove = (index: number) => {
    onChange(items.filter((_, at) => at !== index));
    setTold(`${kind} ${index + 1} removed`);
    focus(Math.min(index, items.length - 2), "input");
  };
  const move = (index: number, by: 1 | -1) => {
    const next = items.slice();
    const [item] = next.splice(index, 1);
    next.splice(index + by, 0, item as Item);
    onChange(next);
    setTold(`Now ${kind} ${index + by + 1} of ${items.length}`);
    focus(index + by, by < 0 ? ".move-up button" : ".move-down button");
  };
  return (
    <div className="stack">
      {items.length > 0 && (
        <ul className="stack" ref={list}>
          {items.map((item, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row is known by its place; contents may repeat while typing
            <li key={index} className={`row-entry ${props.className}`}>
              {props.children(item, index, (changed) =>
                onChange(items.map((each, at) => (at === index ? changed : each))),
              )}
              <span className="row-actions">
                {ordered && (
                  <>
                    <span className="move-up">
                      <IconAction
                        icon="up"
                        label={`Move ${kind} ${index + 1} up`}
                        isDisabled={index === 0}
                        onPress={() => move(index, -1)}
                      />
                    </span>
                    <span className="move-down">
                      <IconAction
                        icon="down"
                        label={`Move ${kind} ${index + 1} down`}
                        isDisabled={index === items.length - 1}
                        onPress={() => move(index, 1)}
                      />
                    </span>
                  </>
                )}
                <IconAction
                  icon="trash"
                  label={`Remove ${kind} ${index + 1}`}
                  onPress={() => remove(index)}
                />
              </span>
            </li>
          ))}
        </ul>
      )}
      <span className="hidden-text" role="status">
        {told}
      </span>
      <div ref={add}>
        <Action
          small
          icon="plus"
          isDisabled={props.most !== undefined && items.length >= props.most}
          onPress={() => {
            onChange([...items, props.fresh()]);
            focus(items.length, "input");
          }}
        >
          Add {kind}
        </Action>
      </div>
    </div>
  );
}
