import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type ApiError, asApiError } from "../api/error.ts";
import { endpoints } from "../api/routes.ts";
import type { Endpoint } from "../api/types.ts";
import { Action } from "../design/Action.tsx";
import { Window } from "../design/Dialogs.tsx";
import { ChoiceEntry } from "../design/fields.tsx";
import { Callout } from "../design/marks.tsx";
import { isTold, useDialects } from "./dialects.ts";
import { sentence } from "./standing.ts";
import { TestOutcome } from "./TestOutcome.tsx";

/** Sends a sample of one event and shows what was answered. */
export function TestDialog({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  const client = useQueryClient();
  const dialects = useDialects();
  const [chosen, setChosen] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<ApiError | null>(null);
  const [sent, setSent] = useState<number | null>(null);
  const heard = (dialects.data?.find((each) => each.name === endpoint.dialect)?.events ?? []).filter(
    (event) =>
      isTold(event, endpoint.dialect_version) &&
      (endpoint.events.length === 0 || endpoint.events.includes(event.name)),
  );
  const name = chosen || heard[0]?.name || "";

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
        {sent !== null && <TestOutcome id={sent} onFollow={onClose} />}
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
