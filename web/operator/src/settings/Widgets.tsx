import { useQuery } from "@tanstack/react-query";
import { widgets } from "../api/routes.ts";
import { useMe } from "../app/me.ts";
import { Link } from "../app/router.tsx";
import { Icon } from "../design/icons.tsx";
import { keys } from "../realtime/snapshots.ts";
import { Empty, LinkAction, LoadFault, Loading, Page } from "./parts.tsx";

export default function Widgets() {
  const me = useMe();
  const list = useQuery({
    queryKey: keys.widgets,
    queryFn: async () => (await widgets.list()).items,
    refetchOnMount: "always",
  });
  return (
    <Page
      title="Widgets"
      intro="A widget is the messenger on one of your sites: its look, its texts and where its conversations go."
      actions={
        <LinkAction to="/settings/widgets/new" icon="plus" primary>
          New widget
        </LinkAction>
      }
    >
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <LoadFault error={list.error} onRetry={() => void list.refetch()} />
      ) : list.data.length === 0 ? (
        <Empty icon="chat" title="No widget yet">
          <p>Make one, copy its two lines into your site, and the first visitor can write.</p>
          {me.demo && (
            <p>
              The <a href="/demo/shop">demo shop</a> shows what it looks like.
            </p>
          )}
        </Empty>
      ) : (
        <ul className="card rows">
          {list.data.map((widget) => (
            <li key={widget.id}>
              <Link to={`/settings/widgets/${widget.id}`} className="item">
                <span className="swatch" style={{ background: widget.color }} />
                <span className="item-main">
                  <span className="item-title">{widget.name}</span>
                  <span className="item-hint">
                    {widget.domains.length > 0 ? widget.domains.join(", ") : "Any site"} ·{" "}
                    <span className="mono">{widget.key}</span>
                  </span>
                </span>
                {widget.identity_required && <span className="tag">Signed-in only</span>}
                <span className={widget.active ? "tag good" : "tag"}>{widget.active ? "Active" : "Off"}</span>
                <Icon name="right" size={16} />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}
