import type { Endpoint } from "../api/types.ts";
import { Link } from "../app/router.tsx";

/** Says that an endpoint is one of a widget's webhooks. */
export function HookBadge({ endpoint, linked }: { endpoint: Endpoint; linked?: boolean }) {
  if (!endpoint.hook) return null;
  if (!linked) return <span className="tag accent">Widget webhook</span>;
  return (
    <Link className="tag accent" to={hooksPage(endpoint.hook.widget_id)}>
      Widget webhook
    </Link>
  );
}

/** Where a widget's webhooks are set. */
export function hooksPage(widget: number): string {
  return `/settings/widgets/${widget}/webhooks`;
}
