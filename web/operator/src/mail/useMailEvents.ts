import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLive } from "../app/live-context.ts";

/** What is shown of mails is read again when something happens to one. */
export function useMailEvents(): void {
  const client = useQueryClient();
  const live = useLive();
  useEffect(
    () =>
      live.onArrival(({ type }) => {
        if (type !== "mail.queued" && type !== "mail.failed") return;
        void client.invalidateQueries({ queryKey: ["mails"] });
        if (type === "mail.failed") void client.invalidateQueries({ queryKey: ["mail-problem"] });
      }),
    [client, live],
  );
}
