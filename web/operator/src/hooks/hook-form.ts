// What the form of a widget's webhooks holds, and what of it has to be sent.

import type { Widget } from "../api/types.ts";
import type { HooksInput, WidgetHooks } from "./api.ts";

export type TranscriptWhen = "never" | "end" | "review";

export interface HookValues {
  /** By hook. */
  urls: { [hook: string]: string };
  transcript: TranscriptWhen;
  real_names: boolean;
  traits_text: boolean;
}

export function hookValues(hooks: WidgetHooks, widget: Widget): HookValues {
  return {
    urls: Object.fromEntries(hooks.hooks.map(({ hook, url }) => [hook, url])),
    transcript: widget.transcript_hook || "never",
    real_names: hooks.real_names,
    traits_text: hooks.traits_text,
  };
}

/** Only what was changed: another admin may have changed the rest meanwhile. null: nothing of it was. */
export function hooksChange(values: HookValues, start: HookValues): HooksInput | null {
  const urls = Object.fromEntries(
    Object.entries(values.urls)
      .map(([hook, url]) => [hook, url.trim()] as const)
      .filter(([hook, url]) => url !== start.urls[hook]),
  );
  const change: HooksInput = {
    urls,
    ...(values.real_names !== start.real_names && { real_names: values.real_names }),
    ...(values.traits_text !== start.traits_text && { traits_text: values.traits_text }),
  };
  return Object.keys(urls).length > 0 || Object.keys(change).length > 1 ? change : null;
}

export function transcriptHook(when: TranscriptWhen): "" | "end" | "review" {
  return when === "never" ? "" : when;
}

interface HookCalls<Hooks, Changed> {
  /** null: nothing of it was changed. */
  hooks: (() => Promise<Hooks>) | null;
  widget: (() => Promise<Changed>) | null;
  onHooks: (stored: Hooks) => void;
  onWidget: (stored: Changed) => void;
}

/** The addresses first: with a fault in them nothing is stored, and a transcript needs one. What went well is told even so. */
export async function saveHooks<Hooks, Changed>(calls: HookCalls<Hooks, Changed>): Promise<void> {
  const hooks = calls.hooks && (await calls.hooks());
  try {
    const widget = calls.widget && (await calls.widget());
    if (widget) calls.onWidget(widget);
  } finally {
    // Not before: the form follows what is stored, and would lose what is still being sent.
    if (hooks) calls.onHooks(hooks);
  }
}

export const TRANSCRIPT_HINT: Record<TranscriptWhen, string> = {
  never: "Only when an operator sends it.",
  end: "Every chat in which something was said, as soon as it has ended.",
  review: "Once the visitor has rated the chat, or 10 minutes after its end.",
};
