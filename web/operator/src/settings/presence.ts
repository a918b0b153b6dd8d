import type { Widget, WidgetPresence } from "../api/types.ts";
import { dayAndTime } from "../app/clock.ts";

/** What a widget's presence can be, in words. */
export const PRESENCES: { value: WidgetPresence; label: string; hint: string }[] = [
  {
    value: "auto",
    label: "Automatic",
    hint: "Visitors can chat within the hours while somebody of the team is online or away.",
  },
  {
    value: "manual",
    label: "Manual",
    hint: "Visitors can chat within the hours, whoever of the team is there.",
  },
  { value: "off", label: "Offline", hint: "Visitors see you as offline until you change it back." },
];

/** How the hours stand now, whoever is there. */
export function opensWords(widget: Widget): { open: boolean; words: string } {
  if (widget.presence === "off") return { open: false, words: "Switched off here." };
  if (!widget.hours) return { open: true, words: "No hours are set: open around the clock." };
  if (widget.open_now) return { open: true, words: "Within the hours." };
  return {
    open: false,
    words: widget.opens_at
      ? `Outside the hours. Opens ${dayAndTime(widget.opens_at)}, your time.`
      : "Outside the hours, and none are ahead in the next two weeks.",
  };
}
