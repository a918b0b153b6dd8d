import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type ApiError, asApiError } from "../api/error.ts";
import { Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Callout } from "../design/marks.tsx";
import { sentence } from "../settings/standing.ts";
import { TestOutcome } from "../settings/TestOutcome.tsx";
import { type ChannelSetup, channels, type TestAnswer } from "./api.ts";

const WAYS = [
  {
    direction: "out",
    title: "Outward",
    text: "A made-up reply is sent to the Outbound URL, formed like a real one.",
  },
  {
    direction: "in",
    title: "Inward",
    text: "A made-up message comes in, as if it had been posted to the Inbound URL.",
  },
] as const;

/** Tries the channel in both directions. */
export function ChannelTests({ channel }: { channel: ChannelSetup }) {
  return (
    <div className="ways">
      {WAYS.map((way) => (
        <Way key={way.direction} channel={channel} {...way} />
      ))}
    </div>
  );
}

function Way({ channel, direction, title, text }: (typeof WAYS)[number] & { channel: ChannelSetup }) {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<ApiError | null>(null);
  const [answer, setAnswer] = useState<TestAnswer | null>(null);
  const send = async () => {
    setBusy(true);
    setTrouble(null);
    setAnswer(null);
    try {
      setAnswer(await channels.test(channel.id, direction));
      void client.invalidateQueries({ queryKey: ["channels", channel.id] });
    } catch (cause) {
      setTrouble(asApiError(cause));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="way" aria-label={`${title} test`}>
      <h3>{title}</h3>
      <p className="field-hint">{text}</p>
      <div>
        <Action
          icon={direction === "out" ? "send" : "inbox"}
          isDisabled={busy}
          onPress={() => void send()}
          aria-label={`Send test, ${title.toLowerCase()}`}
        >
          {busy ? "Sending…" : "Send test"}
        </Action>
      </div>
      <div aria-live="polite" className="stack">
        {trouble && (
          <Callout tone="bad" still>
            {sentence(trouble.detail)}
          </Callout>
        )}
        {answer && answer.delivery_id !== null && <TestOutcome id={answer.delivery_id} />}
        {answer && direction === "in" && answer.conversation_id !== null && (
          <Callout tone="good" still>
            It came in. <Link to={`/inbox/${answer.conversation_id}`}>Open the conversation</Link>
          </Callout>
        )}
      </div>
    </section>
  );
}
