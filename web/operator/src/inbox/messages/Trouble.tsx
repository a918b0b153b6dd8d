import { useState } from "react";
import { asApiError } from "../../api/error.ts";
import { messages } from "../../api/routes.ts";
import type { Message } from "../../api/types.ts";
import { useLive } from "../../app/live-context.ts";
import { Action } from "../../design/Action.tsx";
import { toast } from "../../design/toasts.tsx";

/** Why a message has not arrived, and what can be done about it. */
export default function Trouble({ message, failed }: { message: Message; failed: boolean }) {
  const live = useLive();
  const [busy, setBusy] = useState(false);
  const reason = message.state_reason || (failed ? "no reason was given" : "");
  const again = () => {
    setBusy(true);
    messages
      .again(message, "retry")
      .then((answer) => live.adoptChanged(message, answer))
      .catch((cause) => toast(asApiError(cause).detail))
      .finally(() => setBusy(false));
  };
  if (!failed) {
    return reason ? (
      <div className="line-trouble">
        <span>Trying again: {reason}</span>
      </div>
    ) : null;
  }
  return (
    <div className="line-trouble">
      <span className="line-failed">Not delivered: {reason}</span>
      <Action small icon="refresh" onPress={again} isDisabled={busy}>
        Try again
      </Action>
    </div>
  );
}
