import { useInfiniteQuery } from "@tanstack/react-query";
import { age, moment, useNow } from "../app/clock.ts";
import { Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Empty, LoadFault, Loading } from "../settings/parts.tsx";
import { sentence } from "../settings/standing.ts";
import { type ChannelSetup, channels, type InboundEntry } from "./api.ts";

/** What knocked at the Inbound URL, let in or not, newest first. */
export function InboundLog({ channel }: { channel: ChannelSetup }) {
  const now = useNow();
  const log = useInfiniteQuery({
    queryKey: ["channels", channel.id, "inbound"],
    queryFn: ({ pageParam }) => channels.inbound(channel.id, { limit: 50, cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchOnMount: "always",
    // Only the first page follows by itself; who has scrolled back is reading.
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > 1 ? false : 4000),
  });
  const items = log.data?.pages.flatMap((page) => page.items) ?? [];
  if (log.isPending) return <Loading rows={6} />;
  if (log.isError && !log.data) return <LoadFault error={log.error} onRetry={() => void log.refetch()} />;
  if (items.length === 0) {
    return (
      <Empty icon="inbox" title="Nothing has come in yet">
        <p>
          Every request to the Inbound URL appears here, the refused ones with what was wrong. The overview
          has an example to try.
        </p>
      </Empty>
    );
  }
  return (
    <div className="stack">
      <table className="card log-table">
        <caption className="hidden-text">Requests to the Inbound URL, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Answer</th>
            <th scope="col">What happened</th>
            <th scope="col">From</th>
            <th scope="col">Came</th>
          </tr>
        </thead>
        <tbody>
          {items.map((entry) => (
            <tr key={entry.id}>
              <td data-label="Answer">
                <span className={`tag ${toneOf(entry)}`}>{entry.status}</span>
              </td>
              <td className="log-name">
                <What entry={entry} />
              </td>
              <td data-label="From" className="mono">
                {entry.ip || "–"}
              </td>
              <td data-label="Came">
                <time dateTime={entry.at} title={moment(entry.at)}>
                  {age(entry.at, now)}
                </time>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {log.hasNextPage && (
        <div>
          <Action onPress={() => void log.fetchNextPage()} isDisabled={log.isFetchingNextPage}>
            {log.isFetchingNextPage ? "Loading…" : "Older requests"}
          </Action>
        </div>
      )}
    </div>
  );
}

function toneOf({ status }: InboundEntry): string {
  if (status < 300) return "good";
  return status < 500 ? "warn" : "bad";
}

function What({ entry }: { entry: InboundEntry }) {
  const { code, detail, message_id, conversation_id, duplicate } = entry;
  if (message_id === null) {
    return (
      <>
        {sentence(detail ?? "") || "Refused."}
        {code && <span className="item-hint mono">{code}</span>}
      </>
    );
  }
  const name = `Message ${message_id}`;
  return (
    <>
      {conversation_id ? (
        <Link to={`/inbox/${conversation_id}`} className="log-link">
          {name}
        </Link>
      ) : (
        name
      )}
      {duplicate && <span className="item-hint">Sent again: it was there already, nothing was doubled.</span>}
      {!duplicate && detail && <span className="item-hint">{sentence(detail)}</span>}
    </>
  );
}
