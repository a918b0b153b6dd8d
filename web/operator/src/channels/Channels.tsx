import { useQuery } from "@tanstack/react-query";
import { Link } from "../app/router.tsx";
import { Icon } from "../design/icons.tsx";
import { channelIcon } from "../inbox/ChannelIcon.tsx";
import { EndpointStanding, Standing } from "../settings/EndpointStanding.tsx";
import { number } from "../settings/PauseAction.tsx";
import { Empty, LinkAction, LoadFault, Loading, Page } from "../settings/parts.tsx";
import { type ChannelSetup, channels } from "./api.ts";
import { useWidgets } from "./ChannelFields.tsx";

export default function Channels() {
  const list = useQuery({
    queryKey: ["channels"],
    queryFn: async () => (await channels.list()).items,
    refetchOnMount: "always",
    // States and lags move by themselves; the page is open only now and then.
    refetchInterval: 5000,
  });
  const widgets = useWidgets();
  const widgetName = (id: number) => widgets.data?.find((each) => each.id === id)?.name ?? `Widget ${id}`;
  return (
    <Page
      title="Channels"
      intro="Other ways in and out beside the website: a messenger, an SMS gateway, a mail server. Their messages come into the same inbox, and replies go back the same way."
      actions={
        <LinkAction to="/settings/channels/new" icon="plus" primary>
          New channel
        </LinkAction>
      }
    >
      {list.isPending ? (
        <Loading rows={3} />
      ) : list.isError && !list.data ? (
        <LoadFault error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <ul className="card rows">
          <li>
            <Link to="/settings/widgets" className="item">
              <Icon name={channelIcon("website")} />
              <span className="item-main">
                <span className="item-title">Website</span>
                <span className="item-hint">
                  Always there. Each widget is its own door:{" "}
                  {(widgets.data ?? []).map((each) => each.name).join(", ") || "none yet"}
                </span>
              </span>
              <Icon name="right" size={16} />
            </Link>
          </li>
          {list.data?.map((channel) => (
            <li key={channel.id}>
              <Link to={`/settings/channels/${channel.id}`} className="item">
                <Icon name={channelIcon(channel.type)} />
                <span className="item-main">
                  <span className="item-title" dir="auto">
                    {channel.name}
                  </span>
                  <span className="item-hint">
                    {widgetName(channel.widget_id)} · <LastDay channel={channel} />
                  </span>
                  <EndpointStanding endpoint={channel} />
                </span>
                <Standing endpoint={channel} />
                <Icon name="right" size={16} />
              </Link>
            </li>
          ))}
        </ul>
      )}
      {list.data?.length === 0 && (
        <Empty icon="exchange" title="No other channel yet">
          <p>
            A custom channel joins any message system with two JSON addresses: one here, where it posts what
            people write, and one over there, where replies go. One curl command is enough to try it.
          </p>
        </Empty>
      )}
    </Page>
  );
}

function LastDay({ channel }: { channel: ChannelSetup }) {
  const chart = useQuery({
    queryKey: ["channels", channel.id, "chart", "24h"],
    queryFn: async () => ({ range: "24h", chart: await channels.chart(channel.id, "24h") }),
    refetchInterval: 60_000,
    refetchOnMount: "always",
  });
  if (!chart.data) return <>last 24 h: …</>;
  const { points } = chart.data.chart;
  const sent = points.reduce((sum, each) => sum + each.delivered, 0);
  const failed = points.reduce((sum, each) => sum + each.failed, 0);
  return (
    <>
      last 24 h: {number(sent)} sent{failed > 0 && `, ${number(failed)} failed tries`}
    </>
  );
}
