import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { deliveries, endpoints } from "../api/routes.ts";
import type { Delivery, Endpoint } from "../api/types.ts";
import { age, moment, useNow } from "../app/clock.ts";
import { useMe } from "../app/me.ts";
import { Link, usePlace } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { AgainActions } from "./AgainActions.tsx";
import { DeliveryFilters } from "./DeliveryFilters.tsx";
import { DeliveryTag } from "./DeliveryTag.tsx";
import { asParameters, isBackwards, isNarrowed, type LogFilter, readFilter } from "./log-filter.ts";
import { Empty, LoadFault, Loading, Page } from "./parts.tsx";
import { sentence } from "./standing.ts";

export default function DeliveryLog() {
  return (
    <Page wide title="Delivery log" intro="Every callback with all its attempts, newest first.">
      <Deliveries />
    </Page>
  );
}

/** The log, of one endpoint or of all. */
export function Deliveries({ endpoint }: { endpoint?: Endpoint }) {
  const place = usePlace();
  const me = useMe();
  const now = useNow();
  const list = useQuery({
    queryKey: ["endpoints"],
    queryFn: async () => (await endpoints.list()).items,
    enabled: endpoint === undefined,
  });
  const asked = readFilter(place.query);
  const filter: LogFilter = endpoint ? { ...asked, endpoint: endpoint.id } : asked;
  const parameters = asParameters(filter);
  const backwards = isBackwards(filter);
  const log = useInfiniteQuery({
    queryKey: ["deliveries", parameters],
    queryFn: ({ pageParam }) => deliveries.list({ ...parameters, limit: 50, cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    enabled: !backwards,
    refetchOnMount: "always",
    // Only the first page follows by itself; who has scrolled back is reading.
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > 1 ? false : 4000),
  });
  const items = log.data?.pages.flatMap((page) => page.items) ?? [];
  const endpointName = new Map((list.data ?? []).map((each) => [each.id, each.name]));
  const narrowed = isNarrowed(filter);

  return (
    <div className="stack">
      <DeliveryFilters filter={filter} endpoint={endpoint} endpoints={list.data ?? []} />
      <AgainActions
        filter={filter}
        endpointName={endpoint?.name ?? (filter.endpoint ? endpointName.get(filter.endpoint) : undefined)}
      />
      {backwards ? (
        <Empty icon="list" title="None matches">
          <p>The end of the time is not after its beginning.</p>
        </Empty>
      ) : log.isPending ? (
        <Loading rows={6} />
      ) : log.isError && !log.data ? (
        <LoadFault error={log.error} onRetry={() => void log.refetch()} />
      ) : items.length === 0 ? (
        <Empty icon="list" title={narrowed ? "None matches" : "No callback yet"}>
          <p>
            {narrowed
              ? "Widen the filters above."
              : "The next event appears here the moment it is stored, before it is sent."}
          </p>
          {me.demo && !narrowed && (
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
                {!endpoint && <th scope="col">Endpoint</th>}
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
                    endpoint
                      ? undefined
                      : (endpointName.get(delivery.endpoint_id) ?? `Endpoint ${delivery.endpoint_id}`)
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
          {delivery.event.id === 0 && <span className="tag">Test</span>}
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
        {delivery.last_status ?? (sentence(delivery.last_error) || "None yet")}
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
