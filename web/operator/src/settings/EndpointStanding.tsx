import type { Endpoint } from "../api/types.ts";
import { age, seconds, useNow } from "../app/clock.ts";

export function Standing({ endpoint }: { endpoint: Endpoint }) {
  if (endpoint.state === "paused") return <span className="tag warn">Paused</span>;
  if (endpoint.state === "gone") return <span className="tag bad">Gone</span>;
  if (endpoint.stats.breaker !== "closed") return <span className="tag bad">Failing</span>;
  return <span className="tag good">Active</span>;
}

/** The line an integrator looks for first: how far behind, and what was answered last. */
export function EndpointStanding({ endpoint }: { endpoint: Endpoint }) {
  const now = useNow();
  const { stats } = endpoint;
  const parts = [
    stats.pending > 0 ? `${stats.pending} waiting, ${seconds(stats.lag_seconds)} behind` : "Nothing waiting",
  ];
  if (stats.dead > 0) parts.push(`${stats.dead} given up`);
  if (stats.last_attempt_at) {
    parts.push(
      `last answer ${stats.last_status ?? "none"}, ${age(stats.last_attempt_at, now)}${age(stats.last_attempt_at, now) === "now" ? "" : " ago"}`,
    );
  }
  return <span className="item-hint">{parts.join(" · ")}</span>;
}
