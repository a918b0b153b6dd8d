import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../api/error.ts";
import { endpoints } from "../api/routes.ts";
import type { Endpoint } from "../api/types.ts";
import { age, seconds, useNow } from "../app/clock.ts";
import { go, useNumberParam } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Confirm } from "../design/Dialogs.tsx";
import { Callout } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";
import { Deliveries } from "./DeliveryLog.tsx";
import { Standing } from "./EndpointStanding.tsx";
import { LinkAction, LoadFault, Loading, Page, SecretOnce } from "./parts.tsx";

const BACK = { to: "/settings/endpoints", label: "Endpoints" };

export default function EndpointPage() {
  const id = useNumberParam("id");
  const endpoint = useQuery({
    queryKey: ["endpoints", id],
    queryFn: () => endpoints.get(id),
    refetchOnMount: "always",
    refetchInterval: 5000,
  });
  if (endpoint.data) return <Overview endpoint={endpoint.data} />;
  return (
    <Page title="Endpoint" back={BACK}>
      {endpoint.isError ? (
        <LoadFault error={endpoint.error} onRetry={() => void endpoint.refetch()} />
      ) : (
        <Loading rows={6} />
      )}
    </Page>
  );
}

function Overview({ endpoint }: { endpoint: Endpoint }) {
  const client = useQueryClient();
  const now = useNow();
  const [asking, setAsking] = useState<"delete" | "rotate" | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const { stats, id } = endpoint;

  const act = async (work: () => Promise<string>) => {
    try {
      const done = await work();
      await client.invalidateQueries({ queryKey: ["endpoints"] });
      await client.invalidateQueries({ queryKey: ["deliveries"] });
      if (done) toast(done);
    } catch (cause) {
      toast(asApiError(cause).detail);
    }
  };
  const pause = () => act(async () => endpoints.pause(id).then(() => "Paused. Events are kept for later."));
  const resume = () => act(async () => endpoints.resume(id).then(() => "Sending again"));
  const test = () =>
    act(async () => {
      const { delivery_id } = await endpoints.test(id);
      toast("A test call is on its way", {
        action: { label: "Look", run: () => go(`/settings/deliveries/${delivery_id}`) },
      });
      return "";
    });
  const rotate = () =>
    act(async () => {
      setSecret((await endpoints.rotateSecret(id)).secret);
      return "";
    });
  const remove = () =>
    act(async () => {
      await endpoints.remove(id);
      go("/settings/endpoints", { replace: true });
      return `${endpoint.name} was deleted`;
    });

  const facts: [string, string][] = [
    ["Waiting", String(stats.pending)],
    ["Behind", seconds(stats.lag_seconds)],
    ["Given up", String(stats.dead)],
    ["Last answer", stats.last_attempt_at ? String(stats.last_status ?? "none") : "never called"],
    ["Last call", stats.last_attempt_at ? age(stats.last_attempt_at, now) : "never"],
    ["Events", endpoint.events.length === 0 ? "every event" : `${endpoint.events.length} kinds`],
  ];
  return (
    <Page
      wide
      title={endpoint.name}
      back={BACK}
      intro={
        <>
          <span className="mono endpoint-url">{endpoint.url}</span>
          <span className="inline">
            <Standing endpoint={endpoint} />
            <span className="tag">{endpoint.dialect}</span>
          </span>
        </>
      }
      actions={
        <>
          <Action icon="send" onPress={() => void test()}>
            Send test
          </Action>
          {endpoint.state === "active" ? (
            <Action icon="pause" onPress={() => void pause()}>
              Pause
            </Action>
          ) : (
            <Action icon="play" onPress={() => void resume()}>
              Resume
            </Action>
          )}
          <LinkAction to={`/settings/endpoints/${id}/edit`} icon="sliders">
            Edit
          </LinkAction>
        </>
      }
    >
      {endpoint.state === "gone" && (
        <Callout tone="bad">
          The receiver answered that it is gone{endpoint.state_reason ? ` (${endpoint.state_reason})` : ""}.
          Nothing is sent until you resume.
        </Callout>
      )}
      {endpoint.state === "paused" && (
        <Callout tone="warn">
          Paused{endpoint.state_reason ? `: ${endpoint.state_reason}` : ""}. Events wait in order until you
          resume.
        </Callout>
      )}
      {endpoint.state === "active" && stats.breaker === "open" && (
        <Callout tone="warn">
          The receiver keeps failing, so calls are held back and tried one at a time.
        </Callout>
      )}
      <dl className="card stats">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <section className="stack">
        <h2>Delivery log</h2>
        <Deliveries endpointId={id} />
      </section>
      <section className="card pad stack">
        <h2>Secret and end</h2>
        <div className="inline wrap">
          <Action icon="key" onPress={() => setAsking("rotate")}>
            Rotate secret
          </Action>
          <Action kind="danger" icon="trash" onPress={() => setAsking("delete")}>
            Delete endpoint
          </Action>
        </div>
      </section>
      <Confirm
        open={asking === "rotate"}
        title="Make a new signing secret?"
        action="Rotate secret"
        onClose={() => setAsking(null)}
        onConfirm={() => void rotate()}
      >
        For a while calls carry two signatures, the old and the new one, so that you can change over without a
        gap.
      </Confirm>
      <Confirm
        open={asking === "delete"}
        title={`Delete ${endpoint.name}?`}
        action="Delete endpoint"
        onClose={() => setAsking(null)}
        onConfirm={() => void remove()}
      >
        {stats.pending > 0 ? `${stats.pending} waiting calls will not be sent. ` : ""}This cannot be undone.
      </Confirm>
      <SecretOnce
        secret={secret}
        title="New signing secret"
        label="Signing secret"
        onClose={() => setSecret(null)}
      >
        Add it to your program beside the old one.
      </SecretOnce>
    </Page>
  );
}
