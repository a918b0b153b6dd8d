import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { deliveries, endpoints } from "../api/routes.ts";
import type { Delivery, Endpoint, Named } from "../api/types.ts";
import { age, moment, useNow } from "../app/clock.ts";
import { useMe } from "../app/me.ts";
import { Link, usePlace } from "../app/router.tsx";
import { useChannels } from "../channels/useChannels.ts";
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

/** The log, of one endpoint, of one channel or of all. */
export function Deliveries({ endpoint, channel }: { endpoint?: Endpoint; channel?: Named }) {
  const place = usePlace();
  const me = useMe();
  const now = useNow();
  const all = endpoint === undefined && channel === undefined;
  const list = useQuery({
    queryKey: ["endpoints"],
    queryFn: async () => (await endpoints.list()).items,
    enabled: all,
  });
  const channels = useChannels();
  const asked = readFilter(place.query);
  const filter: LogFilter = all
    ? asked
    : { ...asked, endpoint: endpoint?.id ?? null, channel: channel?.id ?? null };
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
  const channelName = new Map((channels.data ?? []).map((each) => [each.id, each.name]));
  const receiver = ({ endpoint_id, channel_id, widget_id }: Delivery) =>
    widget_id
      ? "E-mail"
      : channel_id
        ? (channelName.get(channel_id) ?? `Channel ${channel_id}`)
        : (endpointName.get(endpoint_id ?? 0) ?? `Endpoint ${endpoint_id}`);
  const narrowed = isNarrowed(filter);

  return (
    <div className="stack">
      <DeliveryFilters
        filter={filter}
        endpoint={endpoint}
        channel={channel}
        endpoints={list.data ?? []}
        channels={channels.data ?? []}
      />
      {filter.channel === null && (
        <AgainActions
          filter={filter}
          endpointName={endpoint?.name ?? (filter.endpoint ? endpointName.get(filter.endpoint) : undefined)}
        />
      )}
      {backwards ? (
        <Empty icon="list" title="None matches">
          <p>The end of the time is not after its beginning.</p>
        </Empty>
      ) : log.isPending ? (
        <Loading rows={6} />
      ) : log.isError && !log.data ? (
        <LoadFault error={log.error} onRetry={() => void log.refetch()} />
      ) : items.length === 0 ? (
        <Empty
          icon="list"
          title={narrowed ? "None matches" : channel ? "Nothing sent yet" : "No callback yet"}
        >
          <p>
            {narrowed
              ? "Widen the filters above."
              : channel
                ? "The next reply to one of its contacts appears here the moment it is stored, before it is sent."
                : "The next event appears here the moment it is stored, before it is sent."}
          </p>
          {me.demo && !narrowed && !channel && (
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
                {all && <th scope="col">Receiver</th>}
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
                  receiver={all ? receiver(delivery) : undefined}
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

function Row({ delivery, now, receiver }: { delivery: Delivery; now: number; receiver?: string }) {
  return (
    <tr>
      <td className="log-name">
        <Link
          to={`/settings/${delivery.widget_id ? "mail/" : ""}deliveries/${delivery.id}`}
          className="log-link"
        >
          <span className="mono">{delivery.event_name}</span>
          {delivery.event.id === 0 && <span className="tag">Test</span>}
          {delivery.replay_of !== null && <span className="tag">Resent</span>}
        </Link>
        {delivery.conversation_id !== null && (
          <span className="item-hint">Conversation {delivery.conversation_id}</span>
        )}
      </td>
      {receiver !== undefined && <td data-label="Receiver">{receiver}</td>}
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
