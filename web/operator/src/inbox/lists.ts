import { useQuery } from "@tanstack/react-query";
import { groups, operators } from "../api/routes.ts";
import type { ConversationStatus, Counts } from "../api/types.ts";
import { useLive } from "../app/live-context.ts";
import { go, type Place } from "../app/router.tsx";
import { remember, remembered } from "../app/stored.ts";
import {
  type CountsSnapshot,
  EVERY_STATUS,
  keys,
  type ListFilter,
  NOT_ENDED,
  type View,
} from "../realtime/snapshots.ts";

export function useList(filter: ListFilter, enabled = true) {
  const live = useLive();
  return useQuery({
    queryKey: keys.list(filter),
    queryFn: ({ signal }) => live.loadList(filter, signal),
    enabled,
  });
}

const ALL_OPEN: ListFilter = { view: "all", statuses: NOT_ENDED };

/** What is not ended, always at hand: for the title, the palette and as the first list. */
export function useAllOpen() {
  return useList(ALL_OPEN);
}

export function useCounts(): Counts | undefined {
  const live = useLive();
  const { data } = useQuery<CountsSnapshot>({
    queryKey: keys.counts,
    queryFn: () => live.loadCounts(),
    // Every list brings the counts with it.
    enabled: false,
  });
  return data?.counts;
}

export function useConversation(id: number) {
  const live = useLive();
  return useQuery({
    queryKey: keys.conversation(id),
    queryFn: ({ signal }) => live.loadConversation(id, signal),
    initialData: () => live.knownSnapshot(id),
    enabled: id > 0,
  });
}

export function useThread(id: number) {
  const live = useLive();
  return useQuery({
    queryKey: keys.thread(id),
    queryFn: ({ signal }) => live.loadThread(id, signal),
    enabled: id > 0,
  });
}

export function useOperators() {
  return useQuery({
    queryKey: keys.operators,
    queryFn: async () => (await operators.list()).items,
  });
}

export function useGroups() {
  return useQuery({ queryKey: keys.groups, queryFn: async () => (await groups.list()).items });
}

// --- the list that an address asks for ---

export type StatusChoice = "not_ended" | ConversationStatus | "every";

export const STATUS_CHOICES: { value: StatusChoice; label: string }[] = [
  { value: "not_ended", label: "Not ended" },
  { value: "new", label: "New" },
  { value: "open", label: "Open" },
  { value: "pending", label: "Pending" },
  { value: "ended", label: "Ended" },
  { value: "every", label: "Every status" },
];

function isView(text: string | null): text is View {
  return text === "mine" || text === "unassigned" || text === "all" || text === "attention";
}

export function viewOf(place: Place): View {
  const asked = place.query.get("view") ?? remembered("view");
  return isView(asked) ? asked : "all";
}

export function statusOf(place: Place): StatusChoice {
  const asked = place.query.get("status");
  return STATUS_CHOICES.find((choice) => choice.value === asked)?.value ?? "not_ended";
}

export function filterOf(place: Place): ListFilter {
  const status = statusOf(place);
  const statuses = status === "not_ended" ? NOT_ENDED : status === "every" ? EVERY_STATUS : [status];
  const channel = channelOf(place);
  return { view: viewOf(place), statuses, ...(channel && { channel }) };
}

/** "website" or the id of a channel, "" for all. */
export function channelOf(place: Place): string {
  const asked = place.query.get("channel") ?? "";
  return /^(website|[1-9]\d{0,14})$/.test(asked) ? asked : "";
}

export function inboxAddress(
  place: Place,
  change: { id?: number | null; view?: View; status?: StatusChoice; channel?: string },
): string {
  const view = change.view ?? viewOf(place);
  const status = change.status ?? statusOf(place);
  const query = new URLSearchParams();
  if (view !== "all" || remembered("view")) query.set("view", view);
  if (status !== "not_ended") query.set("status", status);
  const channel = change.channel ?? channelOf(place);
  if (channel) query.set("channel", channel);
  const open = change.id === undefined ? openConversation(place) : change.id;
  const text = query.toString();
  return (open ? `/inbox/${open}` : "/") + (text ? `?${text}` : "");
}

export function openConversation(place: Place): number | null {
  const found = /^\/inbox\/(\d+)$/.exec(place.path);
  return found ? Number(found[1]) : null;
}

export function showView(place: Place, view: View): void {
  // What needs attention is looked at and left again: the inbox does not open with it.
  if (view !== "attention") remember("view", view === "all" ? null : view);
  go(inboxAddress(place, { view }));
}
