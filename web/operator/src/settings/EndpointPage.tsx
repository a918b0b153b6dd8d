import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { endpoints } from "../api/routes.ts";
import type { Endpoint } from "../api/types.ts";
import { age, seconds, useNow } from "../app/clock.ts";
import { go, Link, useNumberParam, usePlace } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Confirm } from "../design/Dialogs.tsx";
import { HookBadge } from "../hooks/HookBadge.tsx";
import { Deliveries } from "./DeliveryLog.tsx";
import { useDialects } from "./dialects.ts";
import { EndpointChart } from "./EndpointChart.tsx";
import { Standing, StandingStory } from "./EndpointStanding.tsx";
import { writeFilter } from "./log-filter.ts";
import { calls, number, PauseAction, useWayAct } from "./PauseAction.tsx";
import { LinkAction, LoadFault, Loading, Page, SecretOnce } from "./parts.tsx";
import { TestDialog } from "./TestDialog.tsx";

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

/** What the endpoint is told of, in a few words. */
function hears({ events, widgets, groups }: Endpoint): string {
  const some = (count: number, kind: string) => `${count} ${count === 1 ? kind : `${kind}s`}`;
  const parts = [events.length === 0 ? "every event" : some(events.length, "event")];
  if (widgets.length > 0) parts.push(some(widgets.length, "widget"));
  if (groups.length > 0) parts.push(some(groups.length, "group"));
  return parts.join(", ");
}

function Overview({ endpoint }: { endpoint: Endpoint }) {
  const now = useNow();
  const here = usePlace();
  const [asking, setAsking] = useState<"delete" | "rotate" | "test" | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const { stats, id } = endpoint;

  const act = useWayAct();
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

  const dialects = useDialects();
  const dialect = dialects.data?.find((each) => each.name === endpoint.dialect);
  const switchTitle = (name: string) => dialect?.switches?.find((each) => each.name === name)?.title ?? name;
  const reduced = Object.values(endpoint.policy).some((each) => each !== "keep");
  const facts: { name: string; value: ReactNode }[] = [
    { name: "Waiting", value: number(stats.pending) },
    { name: "Behind", value: seconds(stats.lag_seconds) },
    {
      name: "Given up",
      value:
        stats.dead > 0 ? (
          <Link to={`${here.path}?${writeFilter(here.query, { state: "dead" })}`}>{number(stats.dead)}</Link>
        ) : (
          "0"
        ),
    },
    {
      name: "Last answer",
      value: stats.last_attempt_at ? String(stats.last_status ?? "none") : "never called",
    },
    { name: "Last call", value: stats.last_attempt_at ? age(stats.last_attempt_at, now) : "never" },
    { name: "Hears", value: hears(endpoint) },
  ];
  return (
    <Page
      wide
      title={endpoint.name}
      back={BACK}
      intro={
        <>
          <span className="mono endpoint-url">{endpoint.url}</span>
          <span className="inline wrap">
            <Standing endpoint={endpoint} />
            <span className="tag">
              {endpoint.dialect} {endpoint.dialect_version}
            </span>
            <HookBadge endpoint={endpoint} linked />
            {(endpoint.switches ?? []).map((name) => (
              <span key={name} className="tag">
                {switchTitle(name)}
              </span>
            ))}
            {reduced && <span className="tag accent">Personal data reduced</span>}
          </span>
        </>
      }
      actions={
        <>
          <Action icon="send" onPress={() => setAsking("test")}>
            Send test…
          </Action>
          <PauseAction way={endpoint} routes={endpoints} />
          <LinkAction to={`/settings/endpoints/${id}/edit`} icon="sliders">
            Edit
          </LinkAction>
        </>
      }
    >
      <StandingStory endpoint={endpoint} />
      <dl className="card stats">
        {facts.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <EndpointChart of={["endpoints", id]} load={(range) => endpoints.chart(id, range)} />
      <section className="stack">
        <h2>Delivery log</h2>
        <Deliveries endpoint={endpoint} />
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
      {asking === "test" && <TestDialog endpoint={endpoint} onClose={() => setAsking(null)} />}
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
        {stats.pending > 0
          ? `${calls(stats.pending)} that ${stats.pending === 1 ? "waits" : "wait"} will not be sent. `
          : ""}
        {endpoint.hook ? "The widget's address for it becomes empty. " : ""}
        This cannot be undone.
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
