import { useInfiniteQuery } from "@tanstack/react-query";
import { age, moment, useNow } from "../app/clock.ts";
import { Action } from "../design/Action.tsx";
import { useOperators } from "../inbox/lists.ts";
import { Empty, LoadFault, Loading, Page } from "../settings/parts.tsx";
import { sentence } from "../settings/standing.ts";
import { type AuditEntry, audit } from "./api.ts";
import { actionName, whoIs } from "./words.ts";
import "./mail.css";

/** What somebody responsible may have to know later, newest first. */
export default function Audit() {
  const now = useNow();
  const operators = useOperators();
  const names = new Map((operators.data ?? []).map(({ id, name }) => [id, name]));
  const log = useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: ({ pageParam }) => audit.list(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchOnMount: "always",
  });
  const items = log.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page
      wide
      title="Audit log"
      intro="What somebody responsible may have to know later: locked sign-ins, deleted data. Nobody can change it here."
      actions={
        <Action icon="refresh" isDisabled={log.isFetching} onPress={() => void log.refetch()}>
          Look again
        </Action>
      }
    >
      {log.isPending ? (
        <Loading rows={6} />
      ) : log.isError && !log.data ? (
        <LoadFault error={log.error} onRetry={() => void log.refetch()} />
      ) : items.length === 0 ? (
        <Empty icon="lock" title="Nothing yet">
          <p>
            When sign-in by mail is locked after wrong codes, or a contact's data is deleted, it stands here.
          </p>
        </Empty>
      ) : (
        <div className="stack">
          <table className="card log-table">
            <caption className="hidden-text">Audit log, newest first</caption>
            <thead>
              <tr>
                <th scope="col">What happened</th>
                <th scope="col">By</th>
                <th scope="col">About</th>
                <th scope="col">When</th>
              </tr>
            </thead>
            <tbody>
              {items.map((entry) => (
                <Row key={entry.id} entry={entry} now={now} nameOf={(id) => names.get(id)} />
              ))}
            </tbody>
          </table>
          {log.hasNextPage && (
            <div>
              <Action onPress={() => void log.fetchNextPage()} isDisabled={log.isFetchingNextPage}>
                {log.isFetchingNextPage ? "Loading…" : "Older entries"}
              </Action>
            </div>
          )}
        </div>
      )}
    </Page>
  );
}

interface RowProps {
  entry: AuditEntry;
  now: number;
  nameOf: (id: number) => string | undefined;
}

function Row({ entry, now, nameOf }: RowProps) {
  return (
    <tr>
      <td className="log-name">
        <span className="mail-name">{actionName(entry.action)}</span>
        {entry.detail && <span className="item-hint">{sentence(entry.detail)}</span>}
        <span className="item-hint mono">{entry.action}</span>
      </td>
      <td data-label="By">{entry.by ? whoIs(entry.by, nameOf) : "–"}</td>
      <td data-label="About">{entry.subject ? whoIs(entry.subject, nameOf) : "–"}</td>
      <td data-label="When">
        <time dateTime={entry.at} title={moment(entry.at)}>
          {age(entry.at, now)}
        </time>
      </td>
    </tr>
  );
}
