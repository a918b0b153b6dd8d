import { useInfiniteQuery } from "@tanstack/react-query";
import { age, moment, useNow } from "../app/clock.ts";
import { go, Link, usePlace } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { ChoiceEntry } from "../design/fields.tsx";
import { Empty, LoadFault, Loading } from "../settings/parts.tsx";
import { sentence } from "../settings/standing.ts";
import { type Mail, mail } from "./api.ts";
import { KIND_NAMES, STATE_CHOICES, stateOf } from "./words.ts";

/** Mails to contacts, newest first. */
export function MailList() {
  const now = useNow();
  const { path, query } = usePlace();
  const asked = query.get("state");
  const state = STATE_CHOICES.find((each) => each.value === asked)?.value;
  const conversation = Number(query.get("conversation")) || undefined;
  const log = useInfiniteQuery({
    queryKey: ["mails", "log", state, conversation],
    queryFn: ({ pageParam }) =>
      mail.list({ state, conversation_id: conversation, limit: 50, cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchOnMount: "always",
    // Only the first page follows by itself; who has scrolled back is reading.
    refetchInterval: (each) => ((each.state.data?.pages.length ?? 0) > 1 ? false : 4000),
  });
  const narrow = (name: string, value: string | null) => {
    const next = new URLSearchParams(query);
    if (value === null) next.delete(name);
    else next.set(name, value);
    const text = next.toString();
    go(path + (text ? `?${text}` : ""), { replace: true });
  };
  const items = log.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="stack">
      <div className="filters">
        <ChoiceEntry
          label="State"
          value={state ?? "any"}
          onChange={(value) => narrow("state", value === "any" ? null : value)}
          choices={[{ value: "any" as string, label: "Any" }, ...STATE_CHOICES]}
        />
        {conversation !== undefined && (
          <Action small icon="close" onPress={() => narrow("conversation", null)}>
            Conversation {conversation}
          </Action>
        )}
      </div>
      {log.isPending ? (
        <Loading rows={6} />
      ) : log.isError && !log.data ? (
        <LoadFault error={log.error} onRetry={() => void log.refetch()} />
      ) : items.length === 0 ? (
        <Empty icon="mail" title={state || conversation ? "None matches" : "No mail yet"}>
          <p>
            {state || conversation
              ? "Widen the filters above."
              : "The next transcript, missed message or sign-in mail appears here the moment it is put down."}
          </p>
        </Empty>
      ) : (
        <>
          <table className="card log-table">
            <caption className="hidden-text">Mails to contacts, newest first</caption>
            <thead>
              <tr>
                <th scope="col">Mail</th>
                <th scope="col">To</th>
                <th scope="col">State</th>
                <th scope="col">Made</th>
              </tr>
            </thead>
            <tbody>
              {items.map((item) => (
                <Row key={item.id} item={item} now={now} />
              ))}
            </tbody>
          </table>
          {log.hasNextPage && (
            <div>
              <Action onPress={() => void log.fetchNextPage()} isDisabled={log.isFetchingNextPage}>
                {log.isFetchingNextPage ? "Loading…" : "Older mails"}
              </Action>
            </div>
          )}
        </>
      )}
    </div>
  );
}

function Row({ item, now }: { item: Mail; now: number }) {
  const { label, tone } = stateOf(item);
  const name = KIND_NAMES[item.kind] ?? item.kind;
  return (
    <tr>
      <td className="log-name">
        {item.delivery_id === null ? (
          <span className="mail-name">{name}</span>
        ) : (
          <Link to={`/settings/mail/deliveries/${item.delivery_id}`} className="log-link">
            {name}
          </Link>
        )}
        {item.conversation_id !== null && (
          <span className="item-hint">Conversation {item.conversation_id}</span>
        )}
      </td>
      <td data-label="To" className="mail-to">
        <bdi>{item.receiver}</bdi>
      </td>
      <td data-label="State" className="mail-state">
        <span className={`tag ${tone}`}>{label}</span>
        {item.state !== "sent" && item.reason && <span className="item-hint">{sentence(item.reason)}</span>}
      </td>
      <td data-label="Made">
        <time dateTime={item.created_at} title={moment(item.created_at)}>
          {age(item.created_at, now)}
        </time>
      </td>
    </tr>
  );
}
