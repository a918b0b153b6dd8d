import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo, useState } from "react";
import {
  Autocomplete,
  Dialog,
  Header,
  Input,
  Menu,
  MenuItem,
  MenuSection,
  Modal,
  ModalOverlay,
  SearchField,
} from "react-aria-components";
import { contacts, conversations } from "../api/routes.ts";
import type { Presence } from "../api/types.ts";
import { useLive } from "../app/live-context.ts";
import { useMe, useSignOut } from "../app/me.ts";
import { go, place } from "../app/router.tsx";
import { activeShortcuts } from "../app/shortcuts.ts";
import { setTheme } from "../app/theme.ts";
import { useAvailability } from "../app/useAvailability.ts";
import { Icon, type IconName } from "../design/icons.tsx";
import { StatusTag, statusName } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";
import { needsArgument } from "../inbox/commands/line.ts";
import { beginLine, useCommands } from "../inbox/commands/useCommands.ts";
import { openConversation } from "../inbox/lists.ts";
import { SETTINGS_PAGES } from "../settings/pages.ts";
import "./palette.css";

interface Entry {
  id: string;
  title: string;
  hint?: string;
  key?: string;
  icon: IconName;
  status?: "new" | "open" | "pending" | "ended";
  run: () => void;
}

interface PaletteProps {
  onClose: () => void;
  onShortcuts: () => void;
  /** Begins a conversation with somebody who has not written. */
  onStart: () => void;
}

/** Every word of the query begins a word of the text, or is part of it when nothing better is found. */
function fits(text: string, words: string[]): boolean {
  const low = text.toLocaleLowerCase();
  return words.every((word) => low.includes(word));
}

export default function Palette({ onClose, onShortcuts, onStart }: PaletteProps) {
  const live = useLive();
  const me = useMe();
  const signOut = useSignOut();
  const setAvailability = useAvailability();
  const [text, setText] = useState("");
  const query = useDeferredValue(text.trim());
  const words = useMemo(() => query.toLocaleLowerCase().split(/\s+/).filter(Boolean), [query]);
  // Read once: the page's keys do not change while the palette lies over it.
  const [shortcuts] = useState(activeShortcuts);
  const [known] = useState(() => live.everyKnown());
  const [open] = useState(() => openConversation(place()));
  const lines = useCommands(open !== null);

  const people = useQuery({
    queryKey: ["contact-search", query],
    queryFn: ({ signal }) => contacts.search(query, signal),
    enabled: query.length >= 2,
    staleTime: 30_000,
  });

  const commands = useMemo<Entry[]>(() => {
    const list: Entry[] = shortcuts
      .filter((shortcut) => !["j", "k", "Enter", "Escape", "?"].includes(shortcut.key))
      .map((shortcut) => ({
        id: `key:${shortcut.key}`,
        title: shortcut.title,
        key: shortcut.key.toUpperCase(),
        icon: "bolt",
        run: shortcut.run,
      }));
    const set = (id: Presence, title: string): Entry => ({
      id: `availability:${id}`,
      title,
      icon: "user",
      run: () => setAvailability(id),
    });
    list.push(
      {
        id: "start",
        title: "Start a conversation",
        hint: "Write first, on a channel",
        icon: "send",
        run: onStart,
      },
      set("online", "Go online"),
      set("away", "Go away"),
      set("offline", "Go offline"),
      { id: "theme:light", title: "Light theme", icon: "sun", run: () => setTheme("light") },
      { id: "theme:dark", title: "Dark theme", icon: "moon", run: () => setTheme("dark") },
      { id: "theme:system", title: "Theme as the system", icon: "screen", run: () => setTheme("system") },
      { id: "shortcuts", title: "Keyboard shortcuts", key: "?", icon: "keyboard", run: onShortcuts },
      { id: "sign-out", title: "Sign out", icon: "signOut", run: () => void signOut() },
    );
    return list;
  }, [shortcuts, setAvailability, onShortcuts, onStart, signOut]);

  // They are written into the composer, where Enter runs them: nothing happens that was not seen before.
  const inConversation = useMemo<Entry[]>(
    () =>
      open === null
        ? []
        : (lines ?? []).map((command) => ({
            id: `line:${command.name}`,
            title: `$${command.name}`,
            hint: command.help,
            icon: "bolt",
            run: () => beginLine(open, `$${command.name}${needsArgument(command) ? " " : ""}`),
          })),
    [open, lines],
  );

  const pages = useMemo<Entry[]>(
    () => [
      { id: "page:inbox", title: "Inbox", icon: "inbox", run: () => go("/") },
      {
        id: "page:conversations",
        title: "All conversations",
        hint: "Find, tag, export",
        icon: "table",
        run: () => go("/conversations"),
      },
      {
        id: "page:visitors",
        title: "Visitors",
        hint: "Who is on the site now",
        icon: "eye",
        run: () => go("/visitors"),
      },
      ...SETTINGS_PAGES.filter((page) => me.operator.role === "admin" || !page.admin).map(
        (page): Entry => ({
          id: `page:${page.path}`,
          title: page.title,
          hint: page.hint,
          icon: page.icon,
          run: () => go(page.path),
        }),
      ),
    ],
    [me.operator.role],
  );

  const found = useMemo(() => {
    const talks = known
      .filter((item) =>
        fits(`${item.contact.display_name} ${item.contact.email} ${item.last_message?.body ?? ""}`, words),
      )
      .slice(0, words.length > 0 ? 7 : 4)
      .map(
        (item): Entry => ({
          id: `conversation:${item.id}`,
          title: item.contact.display_name,
          hint: item.last_message?.body ?? "",
          icon: "chat",
          status: item.status,
          run: () => go(`/inbox/${item.id}`),
        }),
      );
    const shown = new Set(known.map((item) => item.contact.id));
    const others = (people.data?.items ?? [])
      .filter((contact) => !shown.has(contact.id))
      .slice(0, 6)
      .map(
        (contact): Entry => ({
          id: `contact:${contact.id}`,
          title: contact.display_name,
          hint: contact.email || contact.phone,
          icon: "user",
          run: () => void openLatest(contact.id, contact.display_name),
        }),
      );
    const matching = (entries: Entry[]) =>
      entries.filter((entry) => fits(`${entry.title} ${entry.hint ?? ""}`, words));
    return [
      { title: "Conversations", entries: talks },
      { title: "People", entries: words.length > 0 ? others : [] },
      {
        title: "In this conversation",
        entries: matching(inConversation).slice(0, query.startsWith("$") ? undefined : 6),
      },
      { title: "Commands", entries: matching(commands).slice(0, words.length > 0 ? 8 : 6) },
      { title: "Pages", entries: matching(pages) },
    ].filter((section) => section.entries.length > 0);
  }, [known, people.data, commands, inConversation, pages, words, query]);

  const choose = (id: string) => {
    const entry = found.flatMap((section) => section.entries).find((each) => each.id === id);
    onClose();
    // The page behind takes the focus back first, then the command may move it.
    if (entry) requestAnimationFrame(() => entry.run());
  };

  return (
    <ModalOverlay className="veil" isOpen onOpenChange={(open) => !open && onClose()} isDismissable>
      <Modal className="modal wide palette">
        <Dialog className="palette-dialog" aria-label="Search and commands">
          <Autocomplete inputValue={text} onInputChange={setText}>
            <SearchField
              className="palette-search"
              aria-label="Search conversations, people, pages and commands"
              autoFocus
            >
              <Icon name="search" />
              <Input className="palette-input" placeholder="Search or type a command" />
            </SearchField>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
            <div className="palette-scroll" tabIndex={0}>
              <Menu
                className="menu"
                aria-label="Results"
                onAction={(key) => choose(String(key))}
                renderEmptyState={() => (
                  <div className="menu-empty">{people.isFetching ? "Searching…" : "Nothing matches"}</div>
                )}
              >
                {found.map((section) => (
                  <MenuSection key={section.title} id={section.title}>
                    <Header className="menu-heading">{section.title}</Header>
                    {section.entries.map((entry) => (
                      <MenuItem
                        key={entry.id}
                        id={entry.id}
                        className="menu-item"
                        textValue={`${entry.title}${entry.status ? `, ${statusName(entry.status)}` : ""}`}
                      >
                        <Icon name={entry.icon} />
                        <span className="palette-title" dir="auto">
                          {entry.title}
                        </span>
                        <span className="menu-text menu-hint" dir="auto">
                          {entry.hint}
                        </span>
                        {entry.status && <StatusTag status={entry.status} />}
                        {entry.key && <kbd>{entry.key}</kbd>}
                      </MenuItem>
                    ))}
                  </MenuSection>
                ))}
              </Menu>
            </div>
          </Autocomplete>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

async function openLatest(contactId: number, name: string): Promise<void> {
  try {
    const page = await conversations.list({
      contact_id: contactId,
      status: "new,open,pending,ended",
      limit: 1,
    });
    const latest = page.items[0];
    if (latest) go(`/inbox/${latest.id}`);
    else toast(`${name} has no conversation`);
  } catch {
    toast("The conversation could not be found just now.");
  }
}
