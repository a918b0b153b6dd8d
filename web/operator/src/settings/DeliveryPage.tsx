import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { asApiError } from "../api/error.ts";
import { deliveries } from "../api/routes.ts";
import type { Attempt, Delivery, DeliveryDetail } from "../api/types.ts";
import { milliseconds, moment, seconds, useNow } from "../app/clock.ts";
import { go, Link, useNumberParam } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { CopyAction } from "../design/Copyable.tsx";
import { Callout } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";
import { DeliveryTag } from "./DeliveryTag.tsx";
import { JsonText } from "./JsonText.tsx";
import { LoadFault, Loading, Page } from "./parts.tsx";
import { sentence } from "./standing.ts";

const BACK = { to: "/settings/deliveries", label: "Delivery log" };

export default function DeliveryPage() {
  const id = useNumberParam("id");
  const delivery = useQuery({
    queryKey: ["deliveries", id],
    queryFn: () => deliveries.get(id),
    refetchOnMount: "always",
    refetchInterval: (query) => (query.state.data?.state === "pending" ? 2000 : false),
  });
  if (delivery.data) {
    const { channel_id, endpoint_id, widget_id } = delivery.data;
    return (
      <DeliveryView
        delivery={delivery.data}
        routes={deliveries}
        home="/settings/deliveries"
        back={BACK}
        receiver={
          widget_id ? (
            <Link to={`/settings/mail/deliveries/${id}`}>E-mail</Link>
          ) : channel_id ? (
            <Link to={`/settings/channels/${channel_id}`}>Channel {channel_id}</Link>
          ) : (
            <Link to={`/settings/endpoints/${endpoint_id}`}>Endpoint {endpoint_id}</Link>
          )
        }
      />
    );
  }
  return (
    <Page title="Delivery" back={BACK}>
      {delivery.isError ? (
        <LoadFault error={delivery.error} onRetry={() => void delivery.refetch()} />
      ) : (
        <Loading rows={6} />
      )}
    </Page>
  );
}

interface ViewProps {
  delivery: DeliveryDetail;
  routes: Record<"replay" | "revive", (id: number) => Promise<{ delivery: Delivery }>>;
  /** Where the log is that it stands in. */
  home: string;
  back: { to: string; label: string };
  receiver: ReactNode;
  /** More about what is sent, above the request. */
  children?: ReactNode;
}

/** One delivery: what was sent, each attempt, and what can be done with it. */
export function DeliveryView({ delivery, routes, home, back, receiver, children }: ViewProps) {
  const client = useQueryClient();
  const now = useNow();
  const [busy, setBusy] = useState(false);
  const resend = async () => {
    setBusy(true);
    try {
      const { delivery: made } = await routes.replay(delivery.id);
      await client.invalidateQueries({ queryKey: ["deliveries"] });
      toast("Resent with the same body and webhook-id");
      go(`${home}/${made.id}`);
    } catch (cause) {
      toast(asApiError(cause).detail);
    } finally {
      setBusy(false);
    }
  };
  const revive = async () => {
    setBusy(true);
    try {
      await routes.revive(delivery.id);
      await client.invalidateQueries({ queryKey: ["deliveries"] });
      toast("It waits to be tried again");
    } catch (cause) {
      toast(asApiError(cause).detail);
    } finally {
      setBusy(false);
    }
  };
  const dead = delivery.state === "dead";
  const wait = delivery.next_attempt_at ? (Date.parse(delivery.next_attempt_at) - now) / 1000 : null;
  return (
    <Page
      wide
      title={delivery.event_name}
      back={back}
      intro={
        <span className="inline wrap">
          <DeliveryTag delivery={delivery} />
          {delivery.event.id === 0 ? (
            <span className="tag">Test</span>
          ) : (
            <Link to={`/settings/deliveries?event_id=${delivery.event.id}`}>Event {delivery.event.seq}</Link>
          )}
          {receiver}
          {delivery.conversation_id !== null && (
            <Link to={`/inbox/${delivery.conversation_id}`}>Conversation {delivery.conversation_id}</Link>
          )}
          {delivery.replay_of !== null && (
            <Link to={`${home}/${delivery.replay_of}`}>Resent from delivery {delivery.replay_of}</Link>
          )}
        </span>
      }
      actions={
        <>
          {dead && (
            <Action icon="reopen" kind="primary" onPress={() => void revive()} isDisabled={busy}>
              Try again
            </Action>
          )}
          <Action
            icon="refresh"
            kind={dead ? "plain" : "primary"}
            onPress={() => void resend()}
            isDisabled={busy}
          >
            Resend
          </Action>
        </>
      }
    >
      {delivery.state === "pending" && delivery.attempts > 0 && (
        <Callout tone="warn" icon="clock">
          {wait !== null && wait > 0 ? `The next try is in ${seconds(wait)}.` : "The next try is due now."}{" "}
          {sentence(delivery.last_error)}
        </Callout>
      )}
      {dead && (
        <Callout tone="bad">
          {/given up/i.test(delivery.last_error)
            ? sentence(delivery.last_error)
            : `Given up after ${delivery.attempts} attempts. ${sentence(delivery.last_error)}`}{" "}
          When the receiver works again, try this call again.
        </Callout>
      )}
      <section className="stack">
        <h2>Attempts</h2>
        {delivery.attempt_log.length === 0 ? (
          <p className="card pad item-hint">Not tried yet.</p>
        ) : (
          <ol className="card attempts">
            {delivery.attempt_log.map((attempt) => (
              <AttemptRow key={attempt.number} attempt={attempt} />
            ))}
          </ol>
        )}
      </section>
      {children}
      <section className="stack">
        <h2>Request</h2>
        <div className="card">
          <div className="request-line mono">
            <strong>{delivery.request.url.startsWith("smtp") ? "SMTP" : "POST"}</strong>{" "}
            {delivery.request.url || "not sent yet"}
          </div>
          <Fold title="Headers" open>
            <HeaderTable headers={delivery.request.headers} />
          </Fold>
          <Fold title="Body" open actions={<CopyAction text={delivery.request.body} label="Copy body" />}>
            {delivery.request.body ? (
              <JsonText text={delivery.request.body} label="Request body" />
            ) : (
              <p className="item-hint fold-pad">It is made when the call is sent first.</p>
            )}
          </Fold>
        </div>
      </section>
    </Page>
  );
}

const OUTCOME: Record<Attempt["outcome"], { text: string; tone: string }> = {
  delivered: { text: "Delivered", tone: "good" },
  retry: { text: "Will be repeated", tone: "warn" },
  dead: { text: "Given up", tone: "bad" },
};

function AttemptRow({ attempt }: { attempt: Attempt }) {
  const { text, tone } = OUTCOME[attempt.outcome];
  return (
    <li className="attempt">
      <details>
        <summary>
          <span className="attempt-number">{attempt.number}</span>
          <span className={`attempt-status ${tone}`}>{attempt.status ?? "No answer"}</span>
          <span className="attempt-what">
            {attempt.error || text}
            {attempt.retry_at && <span className="item-hint"> Repeated {moment(attempt.retry_at)}</span>}
          </span>
          <span className="attempt-time">
            {milliseconds(attempt.duration_ms)}
            <time dateTime={attempt.started_at}>{moment(attempt.started_at)}</time>
          </span>
        </summary>
        <div className="attempt-answer">
          <h3>Answer</h3>
          <HeaderTable headers={attempt.response_headers ?? {}} />
          {attempt.response_body ? (
            <JsonText text={attempt.response_body} label={`Answer of attempt ${attempt.number}`} />
          ) : (
            <p className="item-hint">No body.</p>
          )}
        </div>
      </details>
    </li>
  );
}

function Fold(props: { title: string; open?: boolean; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="fold">
      <div className="fold-head">
        <h3>{props.title}</h3>
        {props.actions}
      </div>
      {props.children}
    </div>
  );
}

function HeaderTable({ headers }: { headers: { [name: string]: string } }) {
  const entries = Object.entries(headers);
  if (entries.length === 0) return <p className="item-hint fold-pad">No headers.</p>;
  return (
    <dl className="headers mono">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
