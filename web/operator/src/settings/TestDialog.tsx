import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type ApiError, asApiError } from "../api/error.ts";
import { deliveries, endpoints } from "../api/routes.ts";
import type { DeliveryDetail, Endpoint } from "../api/types.ts";
import { milliseconds } from "../app/clock.ts";
import { Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Window } from "../design/Dialogs.tsx";
import { ChoiceEntry } from "../design/fields.tsx";
import { Callout } from "../design/marks.tsx";
import { useDialects } from "./dialects.ts";
import { sentence } from "./standing.ts";

/** Sends a sample of one event and shows what was answered. */
export function TestDialog({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  const client = useQueryClient();
  const dialects = useDialects();
  const [chosen, setChosen] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<ApiError | null>(null);
  const [sent, setSent] = useState<number | null>(null);
  const heard = (dialects.data?.find((each) => each.name === endpoint.dialect)?.events ?? []).filter(
    (event) => endpoint.events.length === 0 || endpoint.events.includes(event.name),
  );
  const name = chosen || heard[0]?.name || "";
  const result = useQuery({
    queryKey: ["deliveries", sent],
    queryFn: () => deliveries.get(sent ?? 0),
    enabled: sent !== null,
    // Until it has been tried once; repeats are a matter for the log.
    refetchInterval: (query) => (query.state.data?.state === "pending" ? 800 : false),
  });

  const send = async () => {
    setBusy(true);
    setTrouble(null);
    setSent(null);
    try {
      setSent((await endpoints.test(endpoint.id, name)).delivery_id);
      void client.invalidateQueries({ queryKey: ["endpoints"] });
    } catch (cause) {
      setTrouble(asApiError(cause));
    } finally {
      setBusy(false);
    }
  };

  const fault = trouble?.byField().get("event");
  return (
    <Window open onClose={onClose} title="Send a test call">
      <ChoiceEntry
        label="Event"
        value={name}
        onChange={(value) => {
          setChosen(value);
          setTrouble(null);
        }}
        error={fault}
        hint="A made-up sample of it, signed and formed like a real call."
        choices={heard.map((event) => ({ value: event.name, label: event.name }))}
      />
      <div aria-live="polite" className="stack">
        {trouble && !fault && (
          <Callout tone="bad" still>
            {sentence(trouble.detail)}
          </Callout>
        )}
        {sent !== null && <Outcome id={sent} delivery={result.data} onFollow={onClose} />}
      </div>
      <div className="dialog-actions">
        <Action onPress={onClose}>Close</Action>
        <Action kind="primary" icon="send" isDisabled={busy || !name} onPress={() => void send()}>
          {sent === null ? "Send test" : "Send another"}
        </Action>
      </div>
    </Window>
  );
}

interface OutcomeProps {
  id: number;
  delivery: DeliveryDetail | undefined;
  onFollow: () => void;
}

function Outcome({ id, delivery, onFollow }: OutcomeProps) {
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
