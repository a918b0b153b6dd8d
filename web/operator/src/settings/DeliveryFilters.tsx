import { useEffect, useRef, useState } from "react";
import type { DeliveryState, Dialect, Endpoint, Named } from "../api/types.ts";
import { go, place as placeNow } from "../app/router.tsx";
import { stampOf } from "../app/stamps.ts";
import { Action } from "../design/Action.tsx";
import { ChoiceEntry, TextEntry } from "../design/fields.tsx";
import { TimeEntry } from "../design/TimeEntry.tsx";
import { useDialects } from "./dialects.ts";
import {
  isBackwards,
  isNarrowed,
  type LogFilter,
  NO_FILTER,
  STATE_NAMES,
  writeFilter,
} from "./log-filter.ts";

const STATES: { value: "any" | DeliveryState; label: string }[] = [
  { value: "any", label: "Any" },
  ...(Object.entries(STATE_NAMES) as [DeliveryState, string][]).map(([value, label]) => ({ value, label })),
];

const HOUR = 3_600_000;
const TIMES: { value: string; label: string; back?: number }[] = [
  { value: "any", label: "Any" },
  { value: "1h", label: "Last hour", back: HOUR },
  { value: "24h", label: "Last 24 hours", back: 24 * HOUR },
  { value: "7d", label: "Last 7 days", back: 168 * HOUR },
  { value: "between", label: "From … to …" },
];

function eventChoices(dialects: Dialect[], dialect: string | undefined, chosen: string | null) {
  const names = new Set<string>(chosen ? [chosen] : []);
  for (const each of dialects) {
    if (dialect === undefined || each.name === dialect)
      for (const event of each.events) names.add(event.name);
  }
  return [{ value: "any", label: "Any" }, ...[...names].sort().map((name) => ({ value: name, label: name }))];
}

function receiverOf({ endpoint, channel }: LogFilter): string {
  return channel !== null ? `channel:${channel}` : endpoint !== null ? `endpoint:${endpoint}` : "any";
}

function receiverFilter(value: string): Pick<LogFilter, "endpoint" | "channel"> {
  const [kind, id] = value.split(":");
  return {
    endpoint: kind === "endpoint" ? Number(id) : null,
    channel: kind === "channel" ? Number(id) : null,
  };
}

interface FiltersProps {
  filter: LogFilter;
  /** Those whose log this is; without them the receiver can be chosen. */
  endpoint?: Endpoint;
  channel?: Named;
  endpoints: Endpoint[];
  channels: Named[];
}

export function DeliveryFilters({ filter, endpoint, channel, endpoints, channels }: FiltersProps) {
  const dialects = useDialects();
  const [between, setBetween] = useState(false);
  const timed = between || filter.from !== null || filter.to !== null;
  const narrow = (change: Partial<LogFilter>) => {
    // As the address is now: a typed number is entered a moment late, and another filter may have changed since.
    const place = placeNow();
    const text = writeFilter(place.query, change);
    go(place.path + (text ? `?${text}` : ""), { replace: true });
  };
  const pickTime = (value: string) => {
    const back = TIMES.find((each) => each.value === value)?.back;
    setBetween(value === "between");
    if (back) narrow({ from: stampOf(Date.now() - back), to: null });
    else if (value === "any") narrow({ from: null, to: null });
  };
  const dialect = (endpoint ?? endpoints.find((each) => each.id === filter.endpoint))?.dialect;

  return (
    <div className="filters">
      {!endpoint && !channel && (
        <ChoiceEntry
          label="Receiver"
          value={receiverOf(filter)}
          onChange={(value) => narrow({ ...receiverFilter(value), event: null })}
          choices={[
            { value: "any", label: "Any" },
            ...endpoints.map((each) => ({ value: `endpoint:${each.id}`, label: each.name })),
            ...channels.map((each) => ({ value: `channel:${each.id}`, label: `${each.name} (channel)` })),
          ]}
        />
      )}
      <ChoiceEntry
        label="State"
        value={filter.state ?? "any"}
        onChange={(value) => narrow({ state: value === "any" ? null : value })}
        choices={STATES}
      />
      {filter.channel === null && (
        <ChoiceEntry
          label="Event"
          value={filter.event ?? "any"}
          onChange={(value) => narrow({ event: value === "any" ? null : value })}
          choices={eventChoices(dialects.data ?? [], dialect, filter.event)}
        />
      )}
      <ChoiceEntry label="Time" value={timed ? "between" : "any"} onChange={pickTime} choices={TIMES} />
      <ConversationEntry value={filter.conversation} onChange={(conversation) => narrow({ conversation })} />
      {filter.eventId !== null && (
        <Action small icon="close" onPress={() => narrow({ eventId: null })}>
          Event {filter.eventId}
        </Action>
      )}
      {isNarrowed(filter) && (
        <Action
          kind="quiet"
          small
          onPress={() => {
            setBetween(false);
            // On a page of its own the receiver is in the path, not in the query.
            const own = endpoint || channel ? {} : { endpoint: filter.endpoint, channel: filter.channel };
            narrow({ ...NO_FILTER, ...own });
          }}
        >
          Clear
        </Action>
      )}
      {timed && (
        <div className="filter-times">
          <TimeEntry label="From" value={filter.from} onChange={(from) => narrow({ from })} />
          <TimeEntry
            label="To"
            value={filter.to}
            onChange={(to) => narrow({ to })}
            error={isBackwards(filter) ? "This is not after “From”." : undefined}
          />
        </div>
      )}
    </div>
  );
}

/** What is typed, entered into the address when the typing pauses. */
function ConversationEntry(props: { value: number | null; onChange: (value: number | null) => void }) {
  const { value } = props;
  const [text, setText] = useState(value === null ? "" : String(value));
  const timer = useRef(0);
  useEffect(() => {
    setText((now) => (Number(now) === (value ?? 0) ? now : value === null ? "" : String(value)));
  }, [value]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const type = (next: string) => {
    const digits = next.replace(/\D/g, "").slice(0, 15);
    setText(digits);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => props.onChange(Number(digits) || null), 350);
  };
  return (
    <TextEntry
      label="Conversation"
      placeholder="Any number"
      inputMode="numeric"
      value={text}
      onChange={type}
    />
  );
}
