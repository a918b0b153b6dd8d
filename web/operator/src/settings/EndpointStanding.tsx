import { age, seconds, useNow } from "../app/clock.ts";
import { Callout } from "../design/marks.tsx";
import { standingOf, type WayOut } from "./standing.ts";

export function Standing({ endpoint }: { endpoint: WayOut }) {
  const { label, tone } = standingOf(endpoint, useNow());
  return <span className={`tag ${tone}`}>{label}</span>;
}

/** What has happened to the endpoint or channel, while there is anything to say. */
export function StandingStory({ endpoint }: { endpoint: WayOut }) {
  const { tone, story } = standingOf(endpoint, useNow());
  if (story.length === 0) return null;
  return (
    <Callout tone={tone} still>
      {story.join(" ")}
    </Callout>
  );
}

/** The line an integrator looks for first: how far behind, and what was answered last. */
export function EndpointStanding({ endpoint }: { endpoint: WayOut }) {
  const now = useNow();
  const { stats } = endpoint;
  const parts = [
    stats.pending > 0 ? `${stats.pending} waiting, ${seconds(stats.lag_seconds)} behind` : "Nothing waiting",
  ];
  if (stats.dead > 0) parts.push(`${stats.dead} given up`);
  if (stats.last_attempt_at) {
    const when = age(stats.last_attempt_at, now);
    const told = when === "now" ? "just now" : /( min| h)$/.test(when) ? `${when} ago` : `on ${when}`;
    parts.push(`last answer ${stats.last_status ?? "none"}, ${told}`);
  }
  return <span className="item-hint">{parts.join(" · ")}</span>;
}
