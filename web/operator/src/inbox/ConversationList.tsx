import { useVirtualizer } from "@tanstack/react-virtual";
import { Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Button, Input, Menu, MenuItem, MenuTrigger, Popover, SearchField } from "react-aria-components";
import { asApiError } from "../api/error.ts";
import type { Conversation } from "../api/types.ts";
import { useNow } from "../app/clock.ts";
import { lazily } from "../app/lazily.tsx";
import { useLive } from "../app/live-context.ts";
import { useMe } from "../app/me.ts";
import { go, Link, usePlace } from "../app/router.tsx";
import { useShortcut } from "../app/shortcuts.ts";
import { Action } from "../design/Action.tsx";
import { Icon } from "../design/icons.tsx";
import { Callout, Skeleton } from "../design/marks.tsx";
import type { View } from "../realtime/snapshots.ts";
import { ConversationRow, ROW_HEIGHT } from "./ConversationRow.tsx";
import { NoConversations } from "./empty.tsx";
import {
  filterOf,
  inboxAddress,
  openConversation,
  STATUS_CHOICES,
  type StatusChoice,
  showView,
  statusOf,
  useCounts,
  useList,
  viewOf,
} from "./lists.ts";

const ChannelFilter = lazily(() => import("../channels/ChannelFilter.tsx"));
const AttentionLink = lazily(() => import("./alarm/AttentionLink.tsx"));

const VIEWS: { view: View; label: string }[] = [
  { view: "mine", label: "Mine" },
  { view: "unassigned", label: "Unassigned" },
  { view: "all", label: "All" },
];

function textOf(conversation: Conversation): string {
  const { contact, last_message, operator, group, topic } = conversation;
  return [
    contact.display_name,
    contact.email,
    contact.phone,
    last_message?.body,
    operator?.name,
    group?.name,
    topic,
  ]
    .join("\n")
    .toLocaleLowerCase();
}

export function ConversationList() {
  const place = usePlace();
  const live = useLive();
  const me = useMe().operator.id;
  const now = useNow();
  const counts = useCounts();
  const filter = filterOf(place);
  const view = viewOf(place);
  const status = statusOf(place);
  const open = openConversation(place);
  const list = useList(filter);
  const [words, setWords] = useState("");
  const [loadingMore, setLoadingMore] = useState(false);
  const scroller = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);

  const loaded = list.data?.items;
  const items = useMemo(() => {
    const wanted = words.trim().toLocaleLowerCase();
    if (!loaded || !wanted) return loaded ?? [];
    return loaded.filter((conversation) => textOf(conversation).includes(wanted));
  }, [loaded, words]);

  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: useCallback((index: number) => items[index]?.id ?? index, [items]),
    overscan: 8,
  });
  const rows = virtual.getVirtualItems();

  const lastShown = rows.at(-1)?.index ?? 0;
  const hasMore = Boolean(list.data?.nextCursor);
  const filterKey = JSON.stringify(filter);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the filter is a new object at each render, its key is not
  useEffect(() => {
    if (!hasMore || loadingMore || lastShown < items.length - 30) return;
    setLoadingMore(true);
    live
      .loadMore(filter)
      .catch(() => {})
      .finally(() => setLoadingMore(false));
  }, [hasMore, loadingMore, lastShown, items.length, live, filterKey]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another list starts at its top
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 });
  }, [filterKey]);

  const marked = useRef<number | null>(null);
  const move = (by: 1 | -1) => {
    const from = items.findIndex((item) => item.id === (marked.current ?? open));
    const index = from < 0 ? 0 : Math.min(items.length - 1, Math.max(0, from + by));
    const target = items[index];
    if (!target) return;
    marked.current = target.id;
    virtual.scrollToIndex(index, { align: "auto" });
    if (open !== null) go(inboxAddress(place, { id: target.id }), { replace: true });
    const focus = () => {
      const row = scroller.current?.querySelector<HTMLElement>(`[data-conversation="${target.id}"]`);
      row?.focus();
      return row !== null && row !== undefined;
    };
    // A row far away is drawn only after the scroll.
    if (!focus()) requestAnimationFrame(focus);
  };
  useEffect(() => {
    if (open !== null) marked.current = open;
  }, [open]);
  useShortcut("j", "Next conversation", () => move(1));
  useShortcut("k", "Previous conversation", () => move(-1));
  useShortcut("/", "Filter the list", () => search.current?.focus());
  useShortcut("Enter", "Open the marked conversation", () => {
    if (marked.current !== null) go(inboxAddress(place, { id: marked.current }));
  });

  const prefetch = useCallback((id: number) => live.prefetch(id), [live]);

  return (
    <section className="list-pane" aria-label="Conversations">
      <div className="list-head">
        <nav className="views" aria-label="Views">
          {VIEWS.map((each) => (
            <Link
              key={each.view}
              to={inboxAddress(place, { view: each.view })}
              className="view"
              aria-current={view === each.view ? "true" : undefined}
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey || event.shiftKey) return;
                event.preventDefault();
                showView(place, each.view);
              }}
            >
              {each.label} <span className="view-count">{counts ? counts[each.view] : ""}</span>
            </Link>
          ))}
        </nav>
        {(counts?.attention || view === "attention") && (
          <Suspense fallback={null}>
            <AttentionLink />
          </Suspense>
        )}
        <div className="list-tools">
          <SearchField
            className="list-search"
            aria-label="Filter conversations"
            value={words}
            onChange={setWords}
            onKeyDown={(event) => {
              if (event.key === "Escape" && words === "") search.current?.blur();
            }}
          >
            <Icon name="search" size={16} />
            <Input ref={search} className="list-search-input" placeholder="Filter" />
            {words !== "" && (
              <Button className="list-search-clear">
                <Icon name="close" size={14} />
              </Button>
            )}
          </SearchField>
          <Suspense fallback={null}>
            <ChannelFilter />
          </Suspense>
          <StatusMenu status={status} onChange={(next) => go(inboxAddress(place, { status: next }))} />
        </div>
      </div>
      <div className="list-scroll" ref={scroller}>
        {list.isPending ? (
          <ListSkeleton />
        ) : list.isError ? (
          <div className="list-state">
            <Callout tone="bad">
              <p>{asApiError(list.error).detail}</p>
              <Action small icon="refresh" onPress={() => void list.refetch()}>
                Try again
              </Action>
            </Callout>
          </div>
        ) : items.length === 0 ? (
          <NoConversations
            view={view}
            status={status}
            filtered={words.trim() !== "" || filter.channel !== undefined}
            total={counts?.all}
          />
        ) : (
          <ul aria-label="Conversation list" className="list-rows" style={{ height: virtual.getTotalSize() }}>
            {rows.map((row) => {
              const conversation = items[row.index];
              if (!conversation) return null;
              return (
                <li
                  key={row.key}
                  aria-setsize={hasMore ? -1 : items.length}
                  aria-posinset={row.index + 1}
                  className="list-slot"
                  style={{ transform: `translateY(${row.start}px)`, height: row.size }}
                >
                  <ConversationRow
                    conversation={conversation}
                    selected={conversation.id === open}
                    to={inboxAddress(place, { id: conversation.id })}
                    me={me}
                    now={now}
                    onNear={prefetch}
                  />
                </li>
              );
            })}
          </ul>
        )}
      </div>
    </section>
  );
}

function StatusMenu({
  status,
  onChange,
}: {
  status: StatusChoice;
  onChange: (status: StatusChoice) => void;
}) {
  const label = STATUS_CHOICES.find((choice) => choice.value === status)?.label ?? "";
  return (
    <MenuTrigger>
      <Button className="button quiet small list-status" aria-label={`Status: ${label}`}>
        {label}
        <Icon name="down" size={14} />
      </Button>
      <Popover className="popover" placement="bottom end" offset={4}>
        <Menu
          className="menu"
          aria-label="Status"
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[status]}
          onAction={(key) => onChange(key as StatusChoice)}
        >
          {STATUS_CHOICES.map((choice) => (
            <MenuItem key={choice.value} id={choice.value} className="menu-item" textValue={choice.label}>
              <span className="menu-text">{choice.label}</span>
              <Icon name="check" size={16} className="menu-check" />
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

function ListSkeleton() {
  return (
    <div className="list-skeleton" role="status" aria-label="Loading conversations">
      {Array.from({ length: 9 }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they never change
        <div key={index} className="list-skeleton-row">
          <Skeleton width={36} height={36} />
          <div>
            <Skeleton width={`${40 + ((index * 17) % 35)}%`} />
            <Skeleton width={`${60 + ((index * 23) % 35)}%`} />
          </div>
        </div>
      ))}
    </div>
  );
}
