import { useEffect } from "react";
import { useLive } from "../app/live-context.ts";
import { useMe } from "../app/me.ts";
import { type Outbox, outbox } from "./outbox.ts";

export function useOutbox(): Outbox {
  const live = useLive();
  return outbox((answer) => {
    live.adoptMessage(answer.message);
    live.adopt(answer.conversation);
  });
}

/** Once on the inbox: own messages that come back as events leave the outbox. */
export function useOutboxEchoes(): void {
  const live = useLive();
  const me = useMe().operator.id;
  const box = useOutbox();
  useEffect(() => live.onArrival((event) => box.echo(event, me)), [live, me, box]);
}
