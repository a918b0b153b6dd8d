import {
  type InfiniteData,
  keepPreviousData,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Button, Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover } from "react-aria-components";
import { asApiError } from "../api/error.ts";
import type { Conversation, ConversationPage } from "../api/types.ts";
import { useNow } from "../app/clock.ts";
import { useLive } from "../app/live-context.ts";
import { useMe } from "../app/me.ts";
import { go, place as placeNow, usePlace } from "../app/router.tsx";
import { useShortcut } from "../app/shortcuts.ts";
import { Action } from "../design/Action.tsx";
import { Icon } from "../design/icons.tsx";
import { Callout, Skeleton } from "../design/marks.tsx";
import { afterEvent } from "../realtime/reducer.ts";
import { type BulkOrder, exportAddress, table } from "./api.ts";
import { BulkMenu, howMany } from "./BulkMenu.tsx";
import { resultLine } from "./bulk.ts";
import { FilterBar } from "./FilterBar.tsx";
import {
  asParameters,
  isBackwards,
  isNarrowed,
  NO_FILTER,
  readFilter,
  type TableFilter,
  writeFilter,
} from "./filter.ts";
import { RunPanel } from "./RunPanel.tsx";
import { startRun, useRun } from "./run.ts";
import { exactly, extended, NOTHING, shareOf, toggled, withoutShown, withShown } from "./selection.ts";
import { TableRow } from "./TableRow.tsx";
import "./conversations.css";

type Pages = InfiniteData<ConversationPage, string | null>;

/** Where the table was left, for who comes back to it from a conversation. */
let left = { filter: "", top: 0 };

export default function AllConversations() {
  const place = usePlace();
  const live = useLive();
  const client = useQueryClient();
  const me = useMe().operator.id;
  const now = useNow();
  const run = useRun();
  const [selection, setSelection] = useState(NOTHING);
  const [news, setNews] = useState(false);
  const scroller = useRef<HTMLElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);

  const filter = readFilter(place.query);
  const address = writeFilter(filter);
  const parameters = asParameters(filter);
  const backwards = isBackwards(filter);
  const narrowed = isNarrowed(filter);
  const key = useMemo(() => ["table", parameters] as const, [parameters]);
  const pages = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => table.page(parameters, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    enabled: !backwards,
    refetchOnMount: "always",
    placeholderData: keepPreviousData,
  });
  const items = useMemo(() => {
    // Activity between two pages moves a row: it may come a second time.
    const known = new Map<number, Conversation>();
    for (const page of pages.data?.pages ?? []) for (const item of page.items) known.set(item.id, item);
    return [...known.values()];
  }, [pages.data]);
  const shown = useMemo(() => items.map((item) => item.id), [items]);
  const fault = pages.error ? asApiError(pages.error) : null;
  const wordsFault = fault?.byField().get("q");

  const narrow = useCallback((change: Partial<TableFilter>) => {
    // As the address is now: typed words are entered a moment late, and another filter may have changed since.
    const text = writeFilter({ ...readFilter(placeNow().query), ...change });
    go(`/conversations${text ? `?${text}` : ""}`, { replace: true });
  }, []);

  // --- what happens meanwhile ---

  useEffect(
    () =>
      live.onArrival((event) => {
        const id = event.data.conversation?.id;
        if (id === undefined) return;
        const data = client.getQueryData<Pages>(key);
        const first = data?.pages[0];
        if (!data || !first || event.seq <= first.seq) return;
        if (!data.pages.some((page) => page.items.some((item) => item.id === id))) {
          if (event.type === "conversation.created" || event.type === "message.received") setNews(true);
          return;
        }
        client.setQueryData<Pages>(key, {
          ...data,
          pages: data.pages.map((page) => ({
            ...page,
            // A row that no longer matches stays where it is until the table is read again: nothing jumps under the pointer.
            items: page.items.map((item) => (item.id === id ? (afterEvent(item, event) ?? item) : item)),
          })),
        });
      }),
    [live, client, key],
  );
  const refresh = useCallback(() => {
    setNews(false);
    void client.invalidateQueries({ queryKey: ["table"] });
    void client.invalidateQueries({ queryKey: ["tags"] });
  }, [client]);
  const finished = run?.tally.finished;
  const wasRunning = useRef(false);
  useEffect(() => {
    if (wasRunning.current && finished) refresh();
    wasRunning.current = finished === false;
  }, [finished, refresh]);

  // --- more rows, and the place where the table was left ---

  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = pages;
  const more = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const end = more.current;
    if (!end || !hasNextPage || isFetchingNextPage || isFetchNextPageError) return;
    const watch = new IntersectionObserver(
      ([entry]) => entry?.isIntersecting && void fetchNextPage({ cancelRefetch: false }),
      { root: scroller.current, rootMargin: "600px" },
    );
    watch.observe(end);
    return () => watch.disconnect();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  const last = useRef(address);
  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    if (left.filter === address) box.scrollTo({ top: left.top });
    else if (last.current !== address) box.scrollTo({ top: 0 });
    // What cannot be seen any more must not be acted upon.
    if (last.current !== address) setSelection(NOTHING);
    last.current = address;
    setNews(false);
    const keep = () => {
      left = { filter: address, top: box.scrollTop };
    };
    box.addEventListener("scroll", keep, { passive: true });
    return () => box.removeEventListener("scroll", keep);
  }, [address]);

  // --- choosing ---

  const latest = useRef(shown);
  latest.current = shown;
  const choose = useCallback(
    (id: number, range: boolean) =>
      setSelection((before) => (range ? extended(before, latest.current, id) : toggled(before, id))),
    [],
  );
  const count = selection.ids.size;
  const share = shareOf(selection, shown);
  const wantsAll = share === "all" && hasNextPage;
  const matching = useQuery({
    queryKey: ["table-ids", parameters],
    queryFn: ({ signal }) => table.ids(parameters, signal),
    enabled: wantsAll,
    // Counted anew whenever it is offered: it is acted upon.
    gcTime: 0,
    staleTime: 15_000,
  });
  const everything = matching.data;
  const offered =
    wantsAll && everything?.ids.some((id) => !selection.ids.has(id))
      ? {
          label: everything.more
            ? `Choose the newest ${everything.ids.length.toLocaleString("en-US")} matching`
            : `Choose all ${everything.ids.length.toLocaleString("en-US")} matching`,
          run: () => setSelection(exactly(everything.ids)),
        }
      : null;
  const all = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (all.current) all.current.indeterminate = share === "some";
  }, [share]);

  const order = (next: BulkOrder) => {
    void startRun(next, [...selection.ids]);
    setSelection(NOTHING);
    scroller.current?.scrollTo({ top: 0 });
  };

  const near = useCallback((id: number) => live.prefetch(id), [live]);

  // --- keys ---

  const marked = useRef<number | null>(null);
  const focusRow = (id: number, part: "a" | "input") => {
    marked.current = id;
    const row = body.current?.querySelector(`[data-conversation="${id}"]`);
    row?.querySelector<HTMLElement>(part)?.focus();
    row?.scrollIntoView({ block: "nearest" });
  };
  const move = (by: 1 | -1) => {
    const at = marked.current === null ? -1 : shown.indexOf(marked.current);
    const id = shown[at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + by))];
    if (id !== undefined) focusRow(id, "a");
  };
  useShortcut("j", "Next conversation", () => move(1));
  useShortcut("k", "Previous conversation", () => move(-1));
  useShortcut("x", "Choose the marked conversation", () => {
    // The marked row may have gone with another filter.
    if (marked.current !== null && latest.current.includes(marked.current)) choose(marked.current, false);
  });
  useShortcut("Escape", "Choose none", () => setSelection(NOTHING), count > 0);

  const onKeys = (event: KeyboardEvent<HTMLTableSectionElement>) => {
    const target = event.target as HTMLElement;
    const row = target.closest<HTMLElement>("[data-conversation]");
    if (!row || event.altKey) return;
    const id = Number(row.dataset.conversation);
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "a") {
      event.preventDefault();
      setSelection(withShown(selection, shown));
      return;
    }
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by === 0 || command) return;
    event.preventDefault();
    const next = shown[shown.indexOf(id) + by];
    if (next === undefined) return;
    if (event.shiftKey) {
      setSelection((before) => {
        const begun =
          before.anchor !== null && before.head === id ? before : toggled(withoutShown(before, [id]), id);
        return extended(begun, shown, next);
      });
    }
    focusRow(next, target.tagName === "INPUT" ? "input" : "a");
  };

  const nameOf = useCallback(
    (id: number) => live.known(id)?.contact.display_name ?? nameIn(client.getQueryData<Pages>(key), id),
    [live, client, key],
  );

  return (
    <main className="all" ref={scroller}>
      <header className="all-head">
        <div className="all-title">
          <h1>All conversations</h1>
          <ExportMenu
            parameters={parameters}
            narrowed={narrowed}
            disabled={backwards || items.length === 0}
          />
        </div>
        <FilterBar filter={filter} onChange={narrow} fault={wordsFault} />
      </header>
      <span className="hidden-text" role="status">
        {run?.tally.finished ? resultLine(run.order.action, run.tally) : ""}
      </span>
      {run && <RunPanel run={run} nameOf={nameOf} onChoose={(ids) => setSelection(exactly(ids))} />}
      {news && (
        <div className="all-news" role="status">
          <span>There is newer activity.</span>
          <Action small icon="refresh" onPress={refresh}>
            Refresh
          </Action>
        </div>
      )}
      {backwards ? (
        <Nothing title="None matches" text="The end of the time is not after its beginning." />
      ) : pages.isPending ? (
        <TableSkeleton />
      ) : fault && items.length === 0 ? (
        !wordsFault && <Trouble detail={fault.detail} onRetry={() => void pages.refetch()} />
      ) : items.length === 0 ? (
        narrowed ? (
          <Nothing title="None matches" text="Widen the filters above.">
            <Action onPress={() => narrow(NO_FILTER)}>Clear the filters</Action>
          </Nothing>
        ) : (
          <Nothing
            title="Nobody has written yet"
            text="Every conversation is kept here, the ended ones too, to be found, tagged and exported."
          />
        )
      ) : (
        <div className="all-frame" data-stale={pages.isPlaceholderData || undefined}>
          {fault && !isFetchNextPageError && (
            <Trouble detail={fault.detail} onRetry={() => void pages.refetch()} />
          )}
          <table className="all-table">
            <caption className="hidden-text">
              {narrowed ? "Conversations that match the filters" : "All conversations"}, latest activity first
            </caption>
            <thead>
              <tr>
                <th scope="col" className="cell-check">
                  <label className="row-check">
                    <input
                      ref={all}
                      type="checkbox"
                      checked={share === "all"}
                      aria-label="Choose all that are shown"
                      onChange={() =>
                        setSelection(
                          share === "all" ? withoutShown(selection, shown) : withShown(selection, shown),
                        )
                      }
                    />
                    <span className="all-choose">Choose all shown</span>
                  </label>
                </th>
                <th scope="col">Contact</th>
                <th scope="col" className="cell-status">
                  Status
                </th>
                <th scope="col" className="cell-place">
                  Channel
                </th>
                <th scope="col" className="cell-group">
                  Group
                </th>
                <th scope="col" className="cell-operator">
                  Operator
                </th>
                <th scope="col" className="cell-tags">
                  Tags
                </th>
                <th scope="col" className="cell-rating">
                  Rating
                </th>
                <th scope="col" className="cell-age">
                  Activity
                </th>
              </tr>
            </thead>
            <tbody
              ref={body}
              onKeyDown={onKeys}
              onFocus={(event) => {
                const row = (event.target as HTMLElement).closest<HTMLElement>("[data-conversation]");
                marked.current = row ? Number(row.dataset.conversation) : marked.current;
              }}
            >
              {items.map((conversation) => (
                <TableRow
                  key={conversation.id}
                  conversation={conversation}
                  chosen={selection.ids.has(conversation.id)}
                  me={me}
                  now={now}
                  onChoose={choose}
                  onNear={near}
                />
              ))}
            </tbody>
          </table>
          <div className="all-more" ref={more}>
            {hasNextPage ? (
              <>
                {isFetchNextPageError && <span className="field-error">{fault?.detail}</span>}
                <Action small isDisabled={isFetchingNextPage} onPress={() => void fetchNextPage()}>
                  {isFetchingNextPage ? "Loading…" : "Load more"}
                </Action>
              </>
            ) : (
              <span className="all-soft">{howMany(items.length)}</span>
            )}
          </div>
        </div>
      )}
      {count > 0 && (
        <BulkMenu
          count={count}
          busy={run !== null && !run.tally.finished}
          more={offered}
          counting={wantsAll && matching.isFetching}
          onOrder={order}
          onClear={() => setSelection(NOTHING)}
        />
      )}
    </main>
  );
}

function nameIn(data: Pages | undefined, id: number): string {
  for (const page of data?.pages ?? []) {
    const found = page.items.find((item) => item.id === id);
    if (found) return found.contact.display_name;
  }
  return `Conversation ${id}`;
}

function Trouble({ detail, onRetry }: { detail: string; onRetry: () => void }) {
  return (
    <Callout tone="bad">
      <p>{detail}</p>
      <p>
        <Action small icon="refresh" onPress={onRetry}>
          Try again
        </Action>
      </p>
    </Callout>
  );
}

function Nothing({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <div className="all-nothing">
      <Icon name="table" size={30} />
      <h2>{title}</h2>
      <p>{text}</p>
      {children}
    </div>
  );
}

function ExportMenu(props: { parameters: string; narrowed: boolean; disabled: boolean }) {
  const save = (format: "csv" | "json") => {
    const link = document.createElement("a");
    link.href = exportAddress(props.parameters, format);
    link.download = "";
    link.click();
  };
  return (
    <MenuTrigger>
      <Button className="button small" isDisabled={props.disabled}>
        <Icon name="download" size={16} />
        Export
      </Button>
      <Popover className="popover" placement="bottom end" offset={4}>
        <Menu className="menu" aria-label="Export" onAction={(key) => save(key as "csv" | "json")}>
          <MenuSection>
            <Header className="menu-heading">
              {props.narrowed ? "What the filters match" : "All conversations"}
            </Header>
            <MenuItem id="csv" className="menu-item" textValue="CSV">
              <Icon name="table" />
              <span className="menu-text">CSV</span>
              <span className="menu-hint">for spreadsheets</span>
            </MenuItem>
            <MenuItem id="json" className="menu-item" textValue="JSON">
              <Icon name="code" />
              <span className="menu-text">JSON</span>
              <span className="menu-hint">for programs</span>
            </MenuItem>
          </MenuSection>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

function TableSkeleton() {
  return (
    <div className="all-frame" role="status" aria-label="Loading conversations">
      {Array.from({ length: 10 }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they never change
        <div key={index} className="all-waiting">
          <Skeleton width={24} height={24} />
          <div>
            <Skeleton width={`${12 + ((index * 17) % 14)}%`} />
            <Skeleton width={`${30 + ((index * 23) % 35)}%`} />
          </div>
        </div>
      ))}
    </div>
  );
}
