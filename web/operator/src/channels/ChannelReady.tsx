import { useQuery } from "@tanstack/react-query";
import { Link, useNumberParam } from "../app/router.tsx";
import { Copyable } from "../design/Copyable.tsx";
import { Callout } from "../design/marks.tsx";
import { LinkAction, LoadFault, Loading, Page } from "../settings/parts.tsx";
import { type ChannelSetup, type ChannelType, channels } from "./api.ts";
import { ChannelTests } from "./ChannelTests.tsx";
import { curlExample, masked, secretsOf } from "./channel-form.ts";
import { useChannelTypes } from "./useChannels.ts";
import "./channels.css";

const BACK = { to: "/settings/channels", label: "Channels" };

/** The page after "Create channel": everything the other side needs, tokens included, this once. */
export default function ChannelReady() {
  const id = useNumberParam("id");
  const types = useChannelTypes();
  const channel = useQuery({ queryKey: ["channels", id], queryFn: () => channels.get(id) });
  const secrets = useQuery<{ [name: string]: string }>({
    queryKey: ["channel-secrets", id],
    queryFn: () => ({}),
    enabled: false,
    gcTime: 0,
  });
  const type = types.data?.find((each) => each.type === channel.data?.type);
  if (channel.data && type) {
    return <Ready channel={channel.data} type={type} secrets={secrets.data ?? {}} />;
  }
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

interface ReadyProps {
  channel: ChannelSetup;
  type: ChannelType;
  secrets: { [name: string]: string };
}

function Ready({ channel, type, secrets }: ReadyProps) {
  const shown = secretsOf(type).filter(({ name }) => secrets[name]);
  const home = `/settings/channels/${channel.id}`;
  return (
    <Page
      title={`${channel.name} is live`}
      back={BACK}
      intro="From now on its messages come into the inbox. Give these to the system at the other side."
      actions={
        <LinkAction to={home} primary>
          Go to the channel
        </LinkAction>
      }
    >
      <section className="card pad stack">
        <div>
          <h2>Inbound URL</h2>
          <p className="field-hint">The other side posts what people write to it, as JSON.</p>
        </div>
        <Copyable text={channel.inbound_url ?? ""} label="Inbound URL" wrap />
      </section>
      <section className="card pad stack">
        <div>
          <h2>Tokens</h2>
          <p className="field-hint">
            Both travel in the header <code>API-SECURITY-TOKEN</code>, one each way.
          </p>
        </div>
        {shown.length > 0 ? (
          <>
            {shown.map(({ name, label, help }) => (
              <div key={name} className="stack-small">
                <span className="field-label">{label}</span>
                {help && <span className="field-hint">{help}</span>}
                <Copyable text={secrets[name] ?? ""} label={label} wrap />
              </div>
            ))}
            <Callout tone="warn">
              They are not shown again. Keep them where your programs can read them and nobody else.
            </Callout>
          </>
        ) : (
          <>
            <dl className="chosen">
              {secretsOf(type).map(({ name, label }) => (
                <div key={name}>
                  <dt>{label}</dt>
                  <dd className="mono">{masked(channel.secrets[name])}</dd>
                </div>
              ))}
            </dl>
            <p className="field-hint">
              Tokens are shown once, right after they were made. <Link to={home}>The channel's page</Link>{" "}
              makes new ones.
            </p>
          </>
        )}
      </section>
      <section className="card pad stack">
        <div>
          <h2>Try it from a terminal</h2>
          <p className="field-hint">
            The message is in the inbox before you have changed windows. Sent again with the same{" "}
            <code>id</code> it is not doubled.
          </p>
        </div>
        <Copyable
          text={curlExample(channel, secrets.inbound_token ?? "YOUR-INBOUND-TOKEN")}
          label="Example"
        />
      </section>
      <section className="card pad stack">
        <h2>Or try it from here</h2>
        <ChannelTests channel={channel} />
      </section>
    </Page>
  );
}
