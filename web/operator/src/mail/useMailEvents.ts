import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLive } from "../app/live-context.ts";

type MailEvent = "mail.queued" | "mail.failed";

/** What is kept under a key is read again when one of the events comes. One place listens for each key: two would read it twice. */
export function useMailEvents(key: QueryKey, types: readonly MailEvent[]): void {
  const client = useQueryClient();
  const live = useLive();
  useEffect(
    () =>
      live.onArrival(({ type }) => {
        if ((types as readonly string[]).includes(type)) void client.invalidateQueries({ queryKey: key });
      }),
    [client, live, key, types],
  );
}
