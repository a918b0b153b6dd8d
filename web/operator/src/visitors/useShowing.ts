import { useQuery } from "@tanstack/react-query";
import { widgets } from "../api/routes.ts";
import type { Widget } from "../api/types.ts";
import { keys } from "../realtime/snapshots.ts";

const NONE: Widget[] = [];

/** The widgets that show who is on their sites. */
export function useShowing(): { showing: Widget[]; known: boolean } {
  const { data } = useQuery({
    queryKey: keys.widgets,
    queryFn: async () => (await widgets.list()).items,
    retry: false,
  });
  return { showing: data?.filter((widget) => widget.show_visitors) ?? NONE, known: data !== undefined };
}
