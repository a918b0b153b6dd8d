import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { asApiError } from "../api/error.ts";
import { widgets } from "../api/routes.ts";
import type { WidgetPresence as Chosen, Widget } from "../api/types.ts";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import { toast } from "../design/toasts.tsx";
import { keys } from "../realtime/snapshots.ts";
import { opensWords } from "../settings/presence.ts";
import "./widget-presence.css";

const CHOICES: { value: Chosen; label: string }[] = [
  { value: "auto", label: "Auto" },
  { value: "manual", label: "Manual" },
  { value: "off", label: "Offline" },
];

/** Below one's own availability: what visitors of each widget are told. */
export default function WidgetPresence() {
  const client = useQueryClient();
  const list = useQuery({
    queryKey: keys.widgets,
    queryFn: async () => (await widgets.list()).items,
    retry: false,
  });
  const show = (id: number, fields: Partial<Widget>) =>
    client.setQueryData<Widget[]>(keys.widgets, (now) =>
      now?.map((each) => (each.id === id ? { ...each, ...fields } : each)),
    );
  const change = useMutation({
    mutationFn: ({ id, presence }: { id: number; presence: Chosen }) => widgets.setPresence(id, presence),
    onMutate: ({ id, presence }) => show(id, { presence }),
    onSuccess: (answer) => show(answer.id, answer),
    onError: (error) => {
      toast(asApiError(error).detail);
      void client.invalidateQueries({ queryKey: keys.widgets });
    },
  });
  const active = (list.data ?? []).filter((each) => each.active && each.presence);
  if (active.length === 0) return null;
  return (
    <section className="widget-presence" aria-label="Widgets">
      <h2>Widgets tell visitors</h2>
      <ul>
        {active.map((each) => (
          <li key={each.id}>
            <SegmentEntry
              label={each.name}
              value={each.presence ?? "auto"}
              choices={CHOICES}
              hint={wordsOf(each)}
              onChange={(presence) => change.mutate({ id: each.id, presence })}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

function wordsOf(widget: Widget): string {
  if (widget.presence === "off") return "Offline, until somebody changes it back.";
  const { open, words } = opensWords(widget);
  if (!open) return words;
  return widget.presence === "manual"
    ? "Open within its hours, whoever is there."
    : "Open within its hours while somebody is there.";
}
