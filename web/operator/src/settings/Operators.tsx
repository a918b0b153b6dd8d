import { Link } from "../app/router.tsx";
import { Icon } from "../design/icons.tsx";
import { Avatar, PresenceDot, presenceName } from "../design/marks.tsx";
import { useOperators } from "../inbox/lists.ts";
import { LinkAction, LoadFault, Loading, Page } from "./parts.tsx";

export default function Operators() {
  const list = useOperators();
  const sorted = [...(list.data ?? [])].sort(
    (a, b) => Number(b.active) - Number(a.active) || a.name.localeCompare(b.name),
  );
  return (
    <Page
      title="Operators"
      intro="Operators answer. Admins change these settings as well."
      actions={
        <LinkAction to="/settings/operators/new" icon="plus" primary>
          Add operator
        </LinkAction>
      }
    >
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <LoadFault error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <ul className="card rows">
          {sorted.map((operator) => (
            <li key={operator.id}>
              <Link
                to={`/settings/operators/${operator.id}`}
                className="item"
                data-off={!operator.active || undefined}
              >
                <Avatar name={operator.name} id={operator.id} image={operator.image_url} />
                <span className="item-main">
                  <span className="item-title" dir="auto">
                    {operator.name}
                  </span>
                  <span className="item-hint">
                    {operator.email}
                    {operator.groups.length > 0 &&
                      ` · ${operator.groups.map((group) => group.name).join(", ")}`}
                  </span>
                </span>
                {operator.role === "admin" && <span className="tag accent">Admin</span>}
                {operator.active ? (
                  <span className="item-state">
                    <PresenceDot presence={operator.status} /> {presenceName(operator.status)}
                    <span className="item-hint">
                      {operator.open_conversations}/{operator.slots}
                    </span>
                  </span>
                ) : (
                  <span className="tag">Deactivated</span>
                )}
                <Icon name="right" size={16} />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}
