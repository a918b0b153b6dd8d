import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type ApiError, asApiError } from "../api/error.ts";
import { useMe } from "../app/me.ts";
import { Action } from "../design/Action.tsx";
import { TextEntry } from "../design/fields.tsx";
import { mail, type Tested } from "./api.ts";
import { SERVER_KEY } from "./keys.ts";
import { TestedCallout } from "./TestedCallout.tsx";

/** Sends a short mail with the settings as they are saved. */
export function TestMail({ stale }: { stale: boolean }) {
  const client = useQueryClient();
  const [to, setTo] = useState(useMe().operator.email);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<ApiError | null>(null);
  const [answer, setAnswer] = useState<Tested | null>(null);
  const fault = trouble?.byField().get("to");

  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setTrouble(null);
    setAnswer(null);
    try {
      setAnswer(await mail.testServer(to.trim()));
      void client.invalidateQueries({ queryKey: SERVER_KEY });
    } catch (cause) {
      setTrouble(asApiError(cause));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="card pad stack">
      <div>
        <h2>Try it</h2>
        <p className="field-hint">
          A short mail is sent at once{stale && ", with the settings as they were saved last"}.
        </p>
      </div>
      <form className="test-line" onSubmit={(event) => void send(event)} noValidate>
        <TextEntry label="To" type="email" value={to} onChange={setTo} error={fault} />
        <Action type="submit" icon="send" isDisabled={busy || to.trim() === ""}>
          {busy ? "Sending…" : "Send test mail"}
        </Action>
      </form>
      <TestedCallout
        trouble={fault ? null : trouble}
        answer={answer}
        good="The server took it"
        bad="Not sent"
      />
    </section>
  );
}
