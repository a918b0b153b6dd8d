import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { deliveries, endpoints } from "../api/routes.ts";
import type { Delivery, DeliveryState, Dialect } from "../api/types.ts";
import { age, moment, useNow } from "../app/clock.ts";
import { useMe } from "../app/me.ts";
import { go, Link, usePlace } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { ChoiceEntry } from "../design/fields.tsx";
import { DeliveryTag } from "./DeliveryTag.tsx";
import { Empty, LoadFault, Loading, Page } from "./parts.tsx";

export default function DeliveryLog() {
  return (
    <Page wide title="Delivery log" intro="Every callback with all its attempts, newest first.">
      <Deliveries />
    </Page>
  );
}

const STATES: { value: "any" | DeliveryState; label: string }[] = [
  { value: "any", label: "Any state" },
  { value: "pending", label: "Waiting" },
  { value: "delivered", label: "Delivered" },
  { value: "dead", label: "Given up" },
  { value: "dropped", label: "Dropped" },
];

function eventChoices(dialects: Dialect[] | undefined, dialect: string | undefined) {
  const names = new Set<string>();
  for (const each of dialects ?? []) {
    if (dialect === undefined || each.name === dialect)
      for (const event of each.events) names.add(event.name);
  }
  return [
    { value: "any", label: "Any event" },
    ...[...names].sort().map((name) => ({ value: name, label: name })),
  ];
}

/** The log, of one endpoint or of all. The filters are in the address: a filtered log can be sent to a colleague. */
export function Deliveries({ endpointId }: { endpointId?: number }) {
  const place = usePlace();
  const me = useMe();
  const now = useNow();
  const list = useQuery({ queryKey: ["endpoints"], queryFn: async () => (await endpoints.list()).items });
  const dialects = useQuery({
    queryKey: ["dialects"],
    queryFn: async () => (await endpoints.dialects()).items,
  });
  const state = place.query.get("state") ?? "any";
  const event = place.query.get("event") ?? "any";
  const asked = endpointId ? String(endpointId) : (place.query.get("endpoint") ?? "any");
  const conversation = place.query.get("conversation");

  const narrow = (name: string, value: string) => {
    const query = new URLSearchParams(place.query);
    if (value === "any") query.delete(name);
    else query.set(name, value);
    const text = query.toString();
    go(place.path + (text ? `?${text}` : ""), { replace: true });
  };
  const filter = {
    endpoint_id: asked === "any" ? undefined : Number(asked),
    state: state === "any" ? undefined : state,
    event: event === "any" ? undefined : event,
    conversation_id: conversation ? Number(conversation) : undefined,
  };
  const log = useInfiniteQuery({
    queryKey: ["deliveries", filter],
    queryFn: ({ pageParam }) => deliveries.list({ ...filter, limit: 50, cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchOnMount: "always",
    // Only the first page follows by itself; who has scrolled back is reading.
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > 1 ? false : 4000),
  });
  const items = log.data?.pages.flatMap((page) => page.items) ?? [];
  const endpointName = new Map((list.data ?? []).map((each) => [each.id, each.name]));
  const dialect = list.data?.find((each) => String(each.id) === asked)?.dialect;

  return (
    <div className="stack">
      <div className="filters">
        {endpointId === undefined && (
          <ChoiceEntry
            label="Endpoint"
            hideLabel
            value={asked}
            onChange={(value) => narrow("endpoint", value)}
            choices={[
              { value: "any", label: "Any endpoint" },
              ...(list.data ?? []).map((each) => ({ value: String(each.id), label: each.name })),
            ]}
          />
        )}
        <ChoiceEntry
          label="State"
          hideLabel
          value={state}
          onChange={(value) => narrow("state", value)}
          choices={STATES}
        />
        <ChoiceEntry
          label="Event"
          hideLabel
          value={event}
          onChange={(value) => narrow("event", value)}
          choices={eventChoices(dialects.data, dialect)}
        />
        {conversation && (
          <Action small icon="close" onPress={() => narrow("conversation", "any")}>
            Conversation {conversation}
          </Action>
        )}
      </div>
      {log.isPending ? (
        <Loading rows={6} />
      ) : log.isError && !log.data ? (
        <LoadFault error={log.error} onRetry={() => void log.refetch()} />
      ) : items.length === 0 ? (
        <Empty icon="list" title={state === "any" && event === "any" ? "No callback yet" : "None matches"}>
          <p>
            {state === "any" && event === "any"
              ? "The next event appears here the moment it is stored, before it is sent."
              : "Widen the filters above."}
          </p>
          {me.demo && state === "any" && (
            <p>
              Write something in the <a href="/demo/shop">demo shop</a>.
            </p>
          )}
        </Empty>
      ) : (
        <>
          <table className="card log-table">
            <caption className="hidden-text">Deliveries, newest first</caption>
            <thead>
              <tr>
                <th scope="col">Event</th>
                {endpointId === undefined && <th scope="col">Endpoint</th>}
                <th scope="col">State</th>
                <th scope="col">Answer</th>
                <th scope="col">Attempts</th>
                <th scope="col">Made</th>
              </tr>
            </thead>
            <tbody>
              {items.map((delivery) => (
                <Row
                  key={delivery.id}
                  delivery={delivery}
                  now={now}
                  endpoint={
                    endpointId === undefined
                      ? (endpointName.get(delivery.endpoint_id) ?? `Endpoint ${delivery.endpoint_id}`)
                      : undefined
                  }
                />
              ))}
            </tbody>
          </table>
          {log.hasNextPage && (
            <div>
              <Action onPress={() => void log.fetchNextPage()} isDisabled={log.isFetchingNextPage}>
                {log.isFetchingNextPage ? "Loading…" : "Older deliveries"}
              </Action>
            </div>
          )}
        </>
      )}
    </div>
  );
}

function Row({ delivery, now, endpoint }: { delivery: Delivery; now: number; endpoint?: string }) {
  return (
    <tr>
      <td className="log-name">
        <Link to={`/settings/deliveries/${delivery.id}`} className="log-link">
          <span className="mono">{delivery.event_name}</span>
          {delivery.replay_of !== null && <span className="tag">Resent</span>}
        </Link>
        {delivery.conversation_id !== null && (
          <span className="item-hint">Conversation {delivery.conversation_id}</span>
        )}
      </td>
      {endpoint !== undefined && <td data-label="Endpoint">{endpoint}</td>}
      <td data-label="State">
        <DeliveryTag delivery={delivery} />
      </td>
      <td data-label="Answer" className="log-answer">
        {delivery.last_status ?? (delivery.last_error || "None yet")}
      </td>
      <td data-label="Attempts">{delivery.attempts}</td>
      <td data-label="Made">
        <time dateTime={delivery.created_at} title={moment(delivery.created_at)}>
          {age(delivery.created_at, now)}
        </time>
      </td>
    </tr>
  );
}
