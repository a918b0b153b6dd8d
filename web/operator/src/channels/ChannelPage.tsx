import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { age, moment, seconds, useNow } from "../app/clock.ts";
import { go, Link, useNumberParam, usePlace } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Copyable } from "../design/Copyable.tsx";
import { Confirm } from "../design/Dialogs.tsx";
import { Icon } from "../design/icons.tsx";
import { toast } from "../design/toasts.tsx";
import { channelIcon } from "../inbox/ChannelIcon.tsx";
import { Deliveries } from "../settings/DeliveryLog.tsx";
import { EndpointChart } from "../settings/EndpointChart.tsx";
import { Standing, StandingStory } from "../settings/EndpointStanding.tsx";
import { useForm } from "../settings/form.ts";
import { calls, number, PauseAction, useWayAct } from "../settings/PauseAction.tsx";
import { FormEnd, LoadFault, Loading, Page } from "../settings/parts.tsx";
import { type ChannelSetup, type ChannelType, channels, type FieldInfo } from "./api.ts";
import { ChannelFields, useWidgets } from "./ChannelFields.tsx";
import { ChannelTests } from "./ChannelTests.tsx";
import { changeOf, curlExample, masked, secretsOf, shownFields, valuesOf } from "./channel-form.ts";
import { InboundLog } from "./InboundLog.tsx";
import { RotateDialog } from "./RotateDialog.tsx";
import { useChannelTypes } from "./useChannels.ts";
import "./channels.css";

const BACK = { to: "/settings/channels", label: "Channels" };

const TABS = [
  { end: "", label: "Overview" },
  { end: "/edit", label: "Settings" },
  { end: "/outbound", label: "Sent" },
  { end: "/inbound", label: "Received" },
];

export default function ChannelPage() {
  const id = useNumberParam("id");
  const types = useChannelTypes();
  const channel = useQuery({
    queryKey: ["channels", id],
    queryFn: () => channels.get(id),
    refetchOnMount: "always",
    refetchInterval: 5000,
  });
  const type = types.data?.find((each) => each.type === channel.data?.type);
  if (channel.data && type) return <Frame channel={channel.data} type={type} />;
  const failed = channel.error ?? types.error;
  return (
    <Page title="Channel" back={BACK}>
      {failed ? (
        <LoadFault
          error={failed}
          onRetry={() => {
            void channel.refetch();
            void types.refetch();
          }}
        />
      ) : (
        <Loading rows={6} />
      )}
    </Page>
  );
}

interface PartProps {
  channel: ChannelSetup;
  type: ChannelType;
}

function Frame({ channel, type }: PartProps) {
  const { path } = usePlace();
  const home = `/settings/channels/${channel.id}`;
  const widgets = useWidgets();
  const widget = widgets.data?.find((each) => each.id === channel.widget_id);
  return (
    <Page
      wide
      title={channel.name}
      back={BACK}
      intro={
        <>
          <span className="mono endpoint-url">{channel.settings.outbound_url}</span>
          <span className="inline wrap">
            <Standing endpoint={channel} />
            <span className="tag">
              <Icon name={channelIcon(channel.type)} size={14} />
              {type.label}
            </span>
            {widget && <span className="tag">{widget.name}</span>}
            {!channel.merge && <span className="tag accent">Contacts kept apart</span>}
          </span>
        </>
      }
      actions={<PauseAction way={channel} routes={channels} />}
    >
      <nav className="tabs" aria-label={channel.name}>
        {TABS.map(({ end, label }) => (
          <Link
            key={end}
            to={home + end}
            className="tab"
            aria-current={path === home + end ? "page" : undefined}
          >
            {label}
          </Link>
        ))}
      </nav>
      {path === home ? (
        <Overview channel={channel} type={type} />
      ) : path === `${home}/edit` ? (
        <ChannelSettings channel={channel} type={type} />
      ) : path === `${home}/outbound` ? (
        <Deliveries channel={channel} />
      ) : (
        <InboundLog channel={channel} />
      )}
    </Page>
  );
}

function Overview({ channel, type }: PartProps) {
  const now = useNow();
  const act = useWayAct();
  const [rotating, setRotating] = useState<FieldInfo | null>(null);
  const [deleting, setDeleting] = useState(false);
  const { id, stats } = channel;
  const home = `/settings/channels/${id}`;
  const remove = () =>
    act(async () => {
      await channels.remove(id);
      go("/settings/channels", { replace: true });
      return `${channel.name} was deleted`;
    });
  const facts: { name: string; value: ReactNode }[] = [
    { name: "Waiting", value: number(stats.pending) },
    { name: "Behind", value: seconds(stats.lag_seconds) },
    {
      name: "Given up",
      value: stats.dead > 0 ? <Link to={`${home}/outbound?state=dead`}>{number(stats.dead)}</Link> : "0",
    },
    {
      name: "Last answer",
      value: stats.last_attempt_at ? String(stats.last_status ?? "none") : "never called",
    },
    { name: "Last call", value: stats.last_attempt_at ? age(stats.last_attempt_at, now) : "never" },
  ];
  return (
    <>
      <StandingStory endpoint={channel} />
      <dl className="card stats">
        {facts.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <section className="card pad stack">
        <div>
          <h2>Inbound URL</h2>
          <p className="field-hint">
            The other side posts what people write to it, with its token in the header{" "}
            <code>API-SECURITY-TOKEN</code>.
          </p>
        </div>
        <Copyable text={channel.inbound_url ?? ""} label="Inbound URL" wrap />
        <details className="example">
          <summary>Example for a terminal</summary>
          <Copyable text={curlExample(channel, "YOUR-INBOUND-TOKEN")} label="Example" />
        </details>
      </section>
      <section className="card pad stack">
        <h2>Tokens</h2>
        <ul className="stack">
          {secretsOf(type).map((field) => {
            const mark = channel.secrets[field.name];
            const until = mark?.previous_expires_at;
            return (
              <li key={field.name} className="token-line">
                <span className="item-main">
                  <span className="item-title">{field.label}</span>
                  <span className="item-hint">
                    <span className="mono">{masked(mark)}</span>
                    {until && Date.parse(until) > now && ` · the one before is taken until ${moment(until)}`}
                  </span>
                </span>
                <Action
                  small
                  icon="key"
                  onPress={() => setRotating(field)}
                  aria-label={`Rotate: ${field.label}`}
                >
                  Rotate…
                </Action>
              </li>
            );
          })}
        </ul>
      </section>
      <section className="card pad stack">
        <h2>Try it</h2>
        <ChannelTests channel={channel} />
      </section>
      <EndpointChart of={["channels", id]} load={(range) => channels.chart(id, range)} />
      <section className="card pad stack">
        <h2>End</h2>
        <div>
          <Action kind="danger" icon="trash" onPress={() => setDeleting(true)}>
            Delete channel
          </Action>
        </div>
      </section>
      {rotating && <RotateDialog channel={channel} field={rotating} onClose={() => setRotating(null)} />}
      <Confirm
        open={deleting}
        title={`Delete ${channel.name}?`}
        action="Delete channel"
        onClose={() => setDeleting(false)}
        onConfirm={() => void remove()}
      >
        Its Inbound URL stops working at once, and replies in its conversations reach nobody any more.
        {stats.pending > 0 &&
          ` ${calls(stats.pending)} that ${stats.pending === 1 ? "waits" : "wait"} will not be sent.`}{" "}
        The conversations stay. This cannot be undone.
      </Confirm>
    </>
  );
}

function ChannelSettings({ channel, type }: PartProps) {
  const client = useQueryClient();
  const widgets = useWidgets();
  const form = useForm(valuesOf(channel, type), async (values) => {
    const saved = await channels.update(channel.id, changeOf(values, type));
    client.setQueryData(["channels", channel.id], saved);
    void client.invalidateQueries({ queryKey: ["channels"], exact: true });
    toast("Saved");
  });
  if (!widgets.data) {
    return widgets.error ? (
      <LoadFault error={widgets.error} onRetry={() => void widgets.refetch()} />
    ) : (
      <Loading rows={6} />
    );
  }
  return (
    <form className="card form" onSubmit={form.submit} noValidate>
      <ChannelFields form={form} type={type} widgets={widgets.data} />
      <FormEnd form={form} label="Save" fields={shownFields(type)} />
    </form>
  );
}
