import { useQuery } from "@tanstack/react-query";
import { endpoints } from "../api/routes.ts";
import { useMe } from "../app/me.ts";
import { Link } from "../app/router.tsx";
import { Icon } from "../design/icons.tsx";
import { HookBadge } from "../hooks/HookBadge.tsx";
import { EndpointStanding, Standing } from "./EndpointStanding.tsx";
import { Empty, LinkAction, LoadFault, Loading, Page } from "./parts.tsx";

export default function Endpoints() {
  const me = useMe();
  const list = useQuery({
    queryKey: ["endpoints"],
    queryFn: async () => (await endpoints.list()).items,
    refetchOnMount: "always",
    // States and lags move by themselves; the page is open only now and then.
    refetchInterval: 5000,
  });
  return (
    <Page
      title="Endpoints"
      intro="Every event can call your own programs: stored first, sent in order, repeated until they answer."
      actions={
        <LinkAction to="/settings/endpoints/new" icon="plus" primary>
          New endpoint
        </LinkAction>
      }
    >
      {list.isPending ? (
        <Loading />
      ) : list.isError && !list.data ? (
        <LoadFault error={list.error} onRetry={() => void list.refetch()} />
      ) : (list.data ?? []).length === 0 ? (
        <Empty icon="bolt" title="No endpoint yet">
          <p>
            A callback is an HTTP POST that this server makes when something happens: a visitor writes, a
            session ends. An endpoint is the address that receives it.
          </p>
          {me.demo && (
            <p>
              The <a href="/demo/inspector">callback inspector</a> shows what a receiver gets.
            </p>
          )}
        </Empty>
      ) : (
        <ul className="card rows">
          {list.data?.map((endpoint) => (
            <li key={endpoint.id}>
              <Link to={`/settings/endpoints/${endpoint.id}`} className="item">
                <Icon name="bolt" />
                <span className="item-main">
                  <span className="item-title">{endpoint.name}</span>
                  <span className="item-hint mono">{endpoint.url}</span>
                  <EndpointStanding endpoint={endpoint} />
                </span>
                <HookBadge endpoint={endpoint} />
                <span className="tag">{endpoint.dialect}</span>
                <Standing endpoint={endpoint} />
                <Icon name="right" size={16} />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}
