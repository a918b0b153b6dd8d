import { Link } from "../app/router.tsx";
import { Icon } from "../design/icons.tsx";
import { useGroups, useOperators } from "../inbox/lists.ts";
import { Empty, LinkAction, LoadFault, Loading, Page } from "./parts.tsx";

export default function Groups() {
  const list = useGroups();
  const operators = useOperators();
  const names = new Map((operators.data ?? []).map((operator) => [operator.id, operator.name]));
  return (
    <Page
      title="Groups"
      intro="Conversations can be forwarded to a group; a widget can belong to one."
      actions={
        <LinkAction to="/settings/groups/new" icon="plus" primary>
          New group
        </LinkAction>
      }
    >
      {list.isPending ? (
        <Loading rows={3} />
      ) : list.isError ? (
        <LoadFault error={list.error} onRetry={() => void list.refetch()} />
      ) : list.data.length === 0 ? (
        <Empty icon="users" title="No group yet">
          <p>Groups are worth it once different people answer different questions.</p>
        </Empty>
      ) : (
        <ul className="card rows">
          {list.data.map((group) => (
            <li key={group.id}>
              <Link to={`/settings/groups/${group.id}`} className="item">
                <Icon name="users" />
                <span className="item-main">
                  <span className="item-title">{group.name}</span>
                  <span className="item-hint">
                    {group.operator_ids.length === 0
                      ? "Nobody"
                      : group.operator_ids.map((id) => names.get(id) ?? `Operator ${id}`).join(", ")}
                  </span>
                </span>
                <Icon name="right" size={16} />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}
