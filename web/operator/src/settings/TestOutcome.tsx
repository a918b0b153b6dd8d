import { useQuery } from "@tanstack/react-query";
import { deliveries } from "../api/routes.ts";
import { milliseconds } from "../app/clock.ts";
import { Link } from "../app/router.tsx";
import { Callout } from "../design/marks.tsx";
import { sentence } from "./standing.ts";

/** What came of a test call, as soon as it has been tried once; repeats are a matter for the log. */
export function TestOutcome({ id, onFollow }: { id: number; onFollow?: () => void }) {
  const { data: delivery } = useQuery({
    queryKey: ["deliveries", id],
    queryFn: () => deliveries.get(id),
    refetchInterval: (query) => (query.state.data?.state === "pending" ? 800 : false),
  });
  const last = delivery?.attempt_log.at(-1);
  const look = (
    <Link to={`/settings/deliveries/${id}`} onClick={onFollow}>
      Look at the call
    </Link>
  );
  if (delivery?.state === "delivered") {
    return (
      <Callout tone="good" still>
        Accepted: {delivery.last_status}
        {last && ` after ${milliseconds(last.duration_ms)}`}. {look}
      </Callout>
    );
  }
  if (last || (delivery && delivery.state !== "pending")) {
    return (
      <Callout tone="bad" still>
        Not accepted. {sentence(last?.error || delivery?.last_error || "")} {look}
      </Callout>
    );
  }
  return (
    <Callout icon="clock" still>
      On its way… {look}
    </Callout>
  );
}
