import type { ReactNode } from "react";
import { Button, Menu, MenuItem, MenuTrigger, Popover, type Selection } from "react-aria-components";
import { Icon } from "../design/icons.tsx";

export interface PillChoice {
  value: string;
  label: string;
  /** What is drawn in the place of the label, which is only read out then. */
  look?: ReactNode;
  hint?: string;
}

interface PillProps {
  label: string;
  choices: PillChoice[];
  chosen: string[];
  onChange: (values: string[]) => void;
  /** Several of them, and the menu stays open. */
  several?: boolean;
  any: string;
}

/** No key of a choice: what the server names has letters. */
const ANY = "\u0000any";

function summary(chosen: string[], choices: PillChoice[]): string {
  const names = chosen.map((value) => choices.find((choice) => choice.value === value)?.label ?? value);
  return names.length > 2 ? `${names[0]} and ${names.length - 1} more` : names.join(", ");
}

/** One filter: a button that says what it is narrowed to, and a menu with what there is. */
export function FilterPill({ label, choices, chosen, onChange, several, any }: PillProps) {
  const set = chosen.length > 0;
  const known = new Set(choices.map((choice) => choice.value));
  // What an address asks for and is no more can still be seen and taken out.
  const all: PillChoice[] = [
    ...choices,
    ...chosen.filter((value) => !known.has(value)).map((value) => ({ value, label: value })),
  ];
  const change = (next: Selection) => {
    const values = next === "all" ? [] : [...next].map(String);
    if (values.includes(ANY) && set) onChange([]);
    else onChange(values.filter((value) => value !== ANY));
  };
  return (
    <MenuTrigger>
      <Button className={set ? "button small pill set" : "button small pill"}>
        {set ? (
          <>
            {label}: <span className="pill-value">{summary(chosen, all)}</span>
          </>
        ) : (
          label
        )}
        <Icon name="down" size={14} />
      </Button>
      <Popover className="popover" placement="bottom start" offset={4}>
        <Menu
          className="menu"
          aria-label={label}
          selectionMode={several ? "multiple" : "single"}
          selectedKeys={set ? chosen : [ANY]}
          onSelectionChange={change}
        >
          <MenuItem id={ANY} className="menu-item" textValue={any}>
            <span className="menu-text">{any}</span>
            <Icon name="check" size={16} className="menu-check" />
          </MenuItem>
          {all.map((choice) => (
            <MenuItem key={choice.value} id={choice.value} className="menu-item" textValue={choice.label}>
              <span className="menu-text">
                {choice.look}
                <span className={choice.look ? "hidden-text" : undefined}>{choice.label}</span>
              </span>
              {choice.hint && <span className="menu-hint">{choice.hint}</span>}
              <Icon name="check" size={16} className="menu-check" />
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
