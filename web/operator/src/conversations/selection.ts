// Which conversations are chosen. They are known by their ids, not by their rows: a choice reaches over pages that were
// never loaded.

export interface Selection {
  readonly ids: ReadonlySet<number>;
  /** Where a range begins: the row that was chosen or taken out last. */
  readonly anchor: number | null;
  /** Where the last range ended, so that the next one takes its place. */
  readonly head: number | null;
}

export const NOTHING: Selection = { ids: new Set(), anchor: null, head: null };

export function toggled(selection: Selection, id: number): Selection {
  const ids = new Set(selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, anchor: id, head: id };
}

function between(shown: number[], from: number, to: number): number[] {
  const [first, last] = from < to ? [from, to] : [to, from];
  return shown.slice(first, last + 1);
}

/**
 * From the anchor to this row, as they are shown, all become what the anchor is: chosen or not. A second range from the
 * same anchor replaces the first. Without an anchor in sight it is a single row.
 */
export function extended(selection: Selection, shown: number[], id: number): Selection {
  const { anchor, head } = selection;
  const from = anchor === null ? -1 : shown.indexOf(anchor);
  const to = shown.indexOf(id);
  if (anchor === null || from < 0 || to < 0) return toggled(selection, id);
  const ids = new Set(selection.ids);
  const chosen = ids.has(anchor);
  const before = head === null ? -1 : shown.indexOf(head);
  if (chosen && before >= 0) for (const each of between(shown, from, before)) ids.delete(each);
  for (const each of between(shown, from, to)) {
    if (chosen) ids.add(each);
    else ids.delete(each);
  }
  return { ids, anchor, head: id };
}

/** All rows that are shown, beside what was chosen before. */
export function withShown(selection: Selection, shown: number[]): Selection {
  return { ids: new Set([...selection.ids, ...shown]), anchor: null, head: null };
}

export function withoutShown(selection: Selection, shown: number[]): Selection {
  const ids = new Set(selection.ids);
  for (const id of shown) ids.delete(id);
  return { ids, anchor: null, head: null };
}

/** Exactly these, wherever they are. */
export function exactly(ids: Iterable<number>): Selection {
  return { ids: new Set(ids), anchor: null, head: null };
}

/** How much of what is shown is chosen. */
export function shareOf(selection: Selection, shown: number[]): "none" | "some" | "all" {
  let chosen = 0;
  for (const id of shown) if (selection.ids.has(id)) chosen += 1;
  if (chosen === 0) return "none";
  return chosen === shown.length ? "all" : "some";
}
