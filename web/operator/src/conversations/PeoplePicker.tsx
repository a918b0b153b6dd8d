import { useState } from "react";
import { Autocomplete, Header, Input, Menu, MenuItem, MenuSection, SearchField } from "react-aria-components";
import { Icon } from "../design/icons.tsx";
import { PresenceDot, presenceName } from "../design/marks.tsx";
import { useGroups, useOperators } from "../inbox/lists.ts";

export type Target = { operator_id: number | null } | { group_id: number };

const ORDER = { online: 0, away: 1, offline: 2 };

interface PickerProps {
  groups?: boolean;
  /** Whether nobody is somebody to choose. */
  nobody?: boolean;
  onPick: (target: Target) => void;
}

/** Who is there, those who can answer first; with groups when they are asked for. */
export function PeoplePicker({ groups, nobody, onPick }: PickerProps) {
  const operators = useOperators();
  const teams = useGroups();
  const [words, setWords] = useState("");
  const wanted = words.trim().toLocaleLowerCase();
  const people = (operators.data ?? [])
    .filter(
      (person) => person.active && `${person.name} ${person.email}`.toLocaleLowerCase().includes(wanted),
    )
    .sort((a, b) => ORDER[a.status] - ORDER[b.status] || a.name.localeCompare(b.name));
  const found = groups
    ? (teams.data ?? []).filter((team) => team.name.toLocaleLowerCase().includes(wanted))
    : [];
  const pick = (key: string) => {
    const [kind, id] = key.split(":");
    if (kind === "group") onPick({ group_id: Number(id) });
    else onPick({ operator_id: kind === "nobody" ? null : Number(id) });
  };
  const label = groups ? "Operators and groups" : "Operators";
  return (
    <div className="picker">
      <Autocomplete inputValue={words} onInputChange={setWords}>
        <SearchField className="all-search" aria-label={`Search ${label.toLowerCase()}`} autoFocus>
          <Icon name="search" size={16} />
          <Input className="all-search-input" placeholder={groups ? "Operator or group" : "Operator"} />
        </SearchField>
        <Menu
          className="menu picker-menu"
          aria-label={label}
          onAction={(key) => pick(String(key))}
          renderEmptyState={() => <div className="picker-empty">Nobody matches</div>}
        >
          {found.length > 0 && (
            <MenuSection>
              <Header className="menu-heading">Groups</Header>
              {found.map((team) => (
                <MenuItem
                  key={`group:${team.id}`}
                  id={`group:${team.id}`}
                  className="menu-item"
                  textValue={team.name}
                >
                  <Icon name="users" />
                  <span className="menu-text">{team.name}</span>
                  <span className="menu-hint">
                    {team.operator_ids.length} {team.operator_ids.length === 1 ? "operator" : "operators"}
                  </span>
                </MenuItem>
              ))}
            </MenuSection>
          )}
          {people.length > 0 && (
            <MenuSection>
              <Header className="menu-heading">Operators</Header>
              {people.map((person) => (
                <MenuItem
                  key={`operator:${person.id}`}
                  id={`operator:${person.id}`}
                  className="menu-item"
                  textValue={person.name}
                >
                  <PresenceDot presence={person.status} />
                  <span className="menu-text">{person.name}</span>
                  <span className="menu-hint">
                    {presenceName(person.status)} · {person.open_conversations}/{person.slots}
                  </span>
                </MenuItem>
              ))}
            </MenuSection>
          )}
          {nobody && "nobody".includes(wanted) && (
            <MenuItem id="nobody" className="menu-item" textValue="Nobody">
              <Icon name="user" />
              <span className="menu-text">Nobody</span>
              <span className="menu-hint">they wait for somebody</span>
            </MenuItem>
          )}
        </Menu>
      </Autocomplete>
    </div>
  );
}
