import { type RefObject, useMemo, useState } from "react";
import {
  Autocomplete,
  Header,
  Input,
  Menu,
  MenuItem,
  MenuSection,
  Popover,
  SearchField,
  TextField,
} from "react-aria-components";
import { conversations } from "../api/routes.ts";
import type { Conversation } from "../api/types.ts";
import { Icon } from "../design/icons.tsx";
import { PresenceDot, presenceName } from "../design/marks.tsx";
import { useGroups, useOperators } from "./lists.ts";

interface ForwardProps {
  conversation: Conversation;
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
  onDone: (work: Promise<Conversation>, done: string) => void;
}

const ORDER = { online: 0, away: 1, offline: 2 };

export default function Forward({ conversation, anchor, onClose, onDone }: ForwardProps) {
  const operators = useOperators();
  const groups = useGroups();
  const [words, setWords] = useState("");
  const [note, setNote] = useState("");

  const found = useMemo(() => {
    const wanted = words.trim().toLocaleLowerCase();
    return {
      people: (operators.data ?? [])
        .filter((person) => person.active && person.id !== conversation.operator?.id)
        .filter((person) => `${person.name} ${person.email}`.toLocaleLowerCase().includes(wanted))
        .sort((a, b) => ORDER[a.status] - ORDER[b.status] || a.name.localeCompare(b.name)),
      groups: (groups.data ?? []).filter((group) => group.name.toLocaleLowerCase().includes(wanted)),
    };
  }, [operators.data, groups.data, words, conversation.operator?.id]);

  const pick = (key: string) => {
    const [kind, id] = key.split(":");
    const target = kind === "group" ? { group_id: Number(id) } : { operator_id: Number(id) };
    const name =
      kind === "group"
        ? found.groups.find((group) => group.id === Number(id))?.name
        : found.people.find((person) => person.id === Number(id))?.name;
    onDone(conversations.forward(conversation.id, target, note), `Forwarded to ${name ?? "them"}`);
    onClose();
  };

  return (
    <Popover
      className="popover forward"
      triggerRef={anchor}
      isOpen
      onOpenChange={(open) => !open && onClose()}
      placement="bottom end"
      offset={4}
      aria-label="Forward to"
    >
      <div className="forward-dialog">
        <Autocomplete inputValue={words} onInputChange={setWords}>
          <SearchField className="palette-search" aria-label="Search operators and groups" autoFocus>
            <Icon name="search" size={16} />
            <Input className="palette-input" placeholder="Operator or group" />
          </SearchField>
          <Menu
            className="menu forward-menu"
            aria-label="Operators and groups"
            onAction={(key) => pick(String(key))}
            renderEmptyState={() => <div className="menu-empty">Nobody matches</div>}
          >
            {found.groups.length > 0 && (
              <MenuSection>
                <Header className="menu-heading">Groups</Header>
                {found.groups.map((group) => (
                  <MenuItem
                    key={`group:${group.id}`}
                    id={`group:${group.id}`}
                    className="menu-item"
                    textValue={group.name}
                  >
                    <Icon name="users" />
                    <span className="menu-text">{group.name}</span>
                    <span className="menu-hint">{group.operator_ids.length} operators</span>
                  </MenuItem>
                ))}
              </MenuSection>
            )}
            {found.people.length > 0 && (
              <MenuSection>
                <Header className="menu-heading">Operators</Header>
                {found.people.map((person) => (
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
          </Menu>
        </Autocomplete>
        <TextField className="forward-note" aria-label="Note for them" value={note} onChange={setNote}>
          <Input className="input" placeholder="Note for them (optional)" />
        </TextField>
      </div>
    </Popover>
  );
}
