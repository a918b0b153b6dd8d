import { useInfiniteQuery } from "@tanstack/react-query";
import type { Delivery, DeliveryState } from "../api/types.ts";
import { age, moment, useNow } from "../app/clock.ts";
import { go, Link, usePlace } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { ChoiceEntry } from "../design/fields.tsx";
import { DeliveryTag } from "../settings/DeliveryTag.tsx";
import { STATE_NAMES } from "../settings/log-filter.ts";
import { Empty, LoadFault, Loading } from "../settings/parts.tsx";
import { sentence } from "../settings/standing.ts";
import { mailDeliveries } from "./api.ts";

const STATES = (Object.entries(STATE_NAMES) as [DeliveryState, string][]).map(([value, label]) => ({
  value,
  label,
}));

/** The way of each mail to your program or the mail server, with its attempts, newest first. */
export function MailDeliveries() {
  const now = useNow();
  const { path, query } = usePlace();
  const state = STATES.find((each) => each.value === query.get("state"))?.value;
  const log = useInfiniteQuery({
    queryKey: ["deliveries", "mail", state],
    queryFn: ({ pageParam }) => mailDeliveries.list({ state, limit: 50, cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchOnMount: "always",
    refetchInterval: (each) => ((each.state.data?.pages.length ?? 0) > 1 ? false : 4000),
  });
  const items = log.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="stack">
      <div className="filters">
        <ChoiceEntry
          label="State"
          value={state ?? "any"}
          onChange={(value) => go(value === "any" ? path : `${path}?state=${value}`, { replace: true })}
          choices={[{ value: "any" as string, label: "Any" }, ...STATES]}
        />
      </div>
      {log.isPending ? (
        <Loading rows={6} />
      ) : log.isError && !log.data ? (
        <LoadFault error={log.error} onRetry={() => void log.refetch()} />
      ) : items.length === 0 ? (
        <Empty icon="list" title={state ? "None matches" : "Nothing sent yet"}>
          <p>
            {state
              ? "Widen the filter above."
              : "Every mail appears here with each attempt, whether it goes to the mail server or to your program."}
          </p>
        </Empty>
      ) : (
        <>
          <table className="card log-table">
            <caption className="hidden-text">Deliveries of mails, newest first</caption>
            <thead>
              <tr>
                <th scope="col">Mail</th>
                <th scope="col">State</th>
                <th scope="col">Answer</th>
                <th scope="col">Attempts</th>
                <th scope="col">Made</th>
              </tr>
            </thead>
            <tbody>
              {items.map((delivery) => (
                <Row key={delivery.id} delivery={delivery} now={now} />
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

function Row({ delivery, now }: { delivery: Delivery; now: number }) {
  return (
    <tr>
      <td className="log-name">
        <Link to={`/settings/mail/deliveries/${delivery.id}`} className="log-link">
          <span className="mono">{delivery.event_name}</span>
          {delivery.replay_of !== null && <span className="tag">Resent</span>}
        </Link>
        {delivery.conversation_id !== null && (
          <span className="item-hint">Conversation {delivery.conversation_id}</span>
        )}
      </td>
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
