import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Button, Input, SearchField } from "react-aria-components";
import { tags as tagRoutes, widgets as widgetRoutes } from "../api/routes.ts";
import type { ConversationStatus } from "../api/types.ts";
import { dayAndTime } from "../app/clock.ts";
import { useMe } from "../app/me.ts";
import { useShortcut } from "../app/shortcuts.ts";
import { stampOf } from "../app/stamps.ts";
import { useChannels } from "../channels/useChannels.ts";
import { Action } from "../design/Action.tsx";
import { Icon } from "../design/icons.tsx";
import { statusName } from "../design/marks.tsx";
import { TimeEntry } from "../design/TimeEntry.tsx";
import { useGroups, useOperators } from "../inbox/lists.ts";
import { keys } from "../realtime/snapshots.ts";
import { FilterPill, type PillChoice } from "./FilterPill.tsx";
import {
  isBackwards,
  isNarrowed,
  NO_FILTER,
  RATINGS,
  type RatingChoice,
  STATUSES,
  type TableFilter,
} from "./filter.ts";

/** How long typing has to pause before the server is asked. */
const PAUSE = 300;

const DAY = 86_400_000;
const PERIODS: { value: string; label: string; from?: () => number }[] = [
  { value: "today", label: "Today", from: () => new Date().setHours(0, 0, 0, 0) },
  { value: "7d", label: "Last 7 days", from: () => Date.now() - 7 * DAY },
  { value: "30d", label: "Last 30 days", from: () => Date.now() - 30 * DAY },
  { value: "between", label: "From … to …" },
];

const STATUS_CHOICES: PillChoice[] = STATUSES.map((value) => ({ value, label: statusName(value) }));
const RATING_CHOICES: PillChoice[] = RATINGS.map((value) =>
  value === "none"
    ? { value, label: "Not rated" }
    : { value, label: `${value} of 5`, look: <Stars count={Number(value)} /> },
);

export function useTags() {
  return useQuery({
    queryKey: ["tags"],
    queryFn: async () => (await tagRoutes.list()).items,
    refetchOnMount: "always",
  });
}

function Stars({ count }: { count: number }) {
  return (
    <span className="pill-stars">
      {Array.from({ length: count }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same
        <Icon key={index} name="star" size={14} />
      ))}
    </span>
  );
}

function named(items: { id: number; name: string }[] | undefined): PillChoice[] {
  return (items ?? []).map(({ id, name }) => ({ value: String(id), label: name }));
}

function periodText({ from, to }: TableFilter): string {
  if (from && to) return `${dayAndTime(from)} to ${dayAndTime(to)}`;
  return from ? `since ${dayAndTime(from)}` : to ? `before ${dayAndTime(to)}` : "";
}

interface BarProps {
  filter: TableFilter;
  onChange: (change: Partial<TableFilter>) => void;
  /** What the server has against the words, when it has. */
  fault?: string;
}

export function FilterBar({ filter, onChange, fault }: BarProps) {
  const me = useMe().operator.id;
  const widgets = useQuery({
    queryKey: keys.widgets,
    queryFn: async () => (await widgetRoutes.list()).items,
    retry: false,
  });
  const groups = useGroups();
  const operators = useOperators();
  const tags = useTags();
  const channels = useChannels();
  const [between, setBetween] = useState(false);
  const timed = filter.from !== null || filter.to !== null;

  const single = (value: number | string | null) => (value === null ? [] : [String(value)]);
  const people = named(operators.data).map((each) =>
    each.value === String(me) ? { ...each, hint: "You" } : each,
  );
  const pickPeriod = ([value]: string[]) => {
    const from = PERIODS.find((period) => period.value === value)?.from;
    setBetween(value === "between");
    if (from) onChange({ from: stampOf(from()), to: null });
    else if (value === undefined) onChange({ from: null, to: null });
  };

  return (
    <div className="all-filters">
      <Words value={filter.words} onChange={(words) => onChange({ words })} fault={fault} />
      <div className="pills">
        <FilterPill
          label="Status"
          any="Every status"
          several
          choices={STATUS_CHOICES}
          chosen={filter.statuses}
          onChange={(statuses) => onChange({ statuses: statuses as ConversationStatus[] })}
        />
        <FilterPill
          label="Channel"
          any="Every channel"
          choices={[{ value: "website", label: "Website" }, ...named(channels.data)]}
          chosen={single(filter.channel)}
          onChange={([channel]) => onChange({ channel: channel ?? null })}
        />
        <FilterPill
          label="Widget"
          any="Every widget"
          choices={named(widgets.data)}
          chosen={single(filter.widget)}
          onChange={([widget]) => onChange({ widget: widget ? Number(widget) : null })}
        />
        <FilterPill
          label="Group"
          any="Every group"
          choices={named(groups.data)}
          chosen={single(filter.group)}
          onChange={([group]) => onChange({ group: group ? Number(group) : null })}
        />
        <FilterPill
          label="Operator"
          any="Everybody"
          choices={[{ value: "none", label: "Unassigned" }, ...people]}
          chosen={single(filter.operator)}
          onChange={([value]) =>
            onChange({ operator: value === undefined ? null : value === "none" ? "none" : Number(value) })
          }
        />
        <FilterPill
          label="Tag"
          any="Any tag or none"
          several
          choices={(tags.data ?? []).map(({ tag, count }) => ({
            value: tag,
            label: tag,
            hint: String(count),
          }))}
          chosen={filter.tags}
          onChange={(chosen) => onChange({ tags: chosen })}
        />
        <FilterPill
          label="Rating"
          any="Any rating or none"
          several
          choices={RATING_CHOICES}
          chosen={filter.ratings}
          onChange={(ratings) => onChange({ ratings: ratings as RatingChoice[] })}
        />
        <FilterPill
          label="Begun"
          any="At any time"
          choices={timed ? [...PERIODS, { value: "set", label: periodText(filter) }] : PERIODS}
          chosen={timed ? ["set"] : between ? ["between"] : []}
          onChange={pickPeriod}
        />
        {isNarrowed(filter) && (
          <Action
            kind="quiet"
            small
            icon="close"
            onPress={() => {
              setBetween(false);
              onChange(NO_FILTER);
            }}
          >
            Clear
          </Action>
        )}
      </div>
      {between && (
        <div className="filter-times">
          <TimeEntry label="From" value={filter.from} onChange={(from) => onChange({ from })} />
          <TimeEntry
            label="To"
            value={filter.to}
            onChange={(to) => onChange({ to })}
            error={isBackwards(filter) ? "This is not after “From”." : undefined}
          />
        </div>
      )}
    </div>
  );
}

/** What is typed, asked for when the typing pauses. */
function Words({
  value,
  onChange,
  fault,
}: {
  value: string;
  onChange: (words: string) => void;
  fault?: string;
}) {
  const [text, setText] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  const latest = useRef(onChange);
  latest.current = onChange;
  useShortcut("/", "Search all conversations", () => field.current?.focus());
  // The address may change by itself: back, or cleared.
  useEffect(() => {
    setText((now) => (now.trim() === value ? now : value));
  }, [value]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const type = (next: string) => {
    setText(next);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => latest.current(next.trim()), next === "" ? 0 : PAUSE);
  };
  return (
    <div className="all-words">
      <SearchField
        className="all-search"
        aria-label="Search all conversations"
        value={text}
        onChange={type}
        maxLength={200}
        isInvalid={fault !== undefined}
        onKeyDown={(event) => {
          if (event.key === "Escape" && text === "") field.current?.blur();
        }}
      >
        <Icon name="search" size={16} />
        <Input ref={field} className="all-search-input" placeholder="Search messages, names, e-mail" />
        {text !== "" && (
          <Button className="all-search-clear">
            <Icon name="close" size={14} />
          </Button>
        )}
      </SearchField>
      {fault && (
        <span className="field-error" role="alert">
          <Icon name="alert" size={16} />
          <span>{fault}</span>
        </span>
      )}
    </div>
  );
}
