// Times and numbers as addresses carry them, and times as the browser's own field takes them.

/** A whole number above zero that JavaScript can hold, or nothing. */
export function positive(text: string | null): number | null {
  return text !== null && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null;
}

/** RFC 3339 in UTC, to the second. */
export function stampOf(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

/** A time of any zone in UTC, or nothing. */
export function stampFrom(text: string | null): string | null {
  const at = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? null : stampOf(at);
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** A stored time as the browser's own field for date and time takes it, in the reader's time zone. */
export function asLocalEntry(stamp: string | null): string {
  if (stamp === null) return "";
  const at = new Date(stamp);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** What the field holds as a stored time. undefined: still being typed; null: empty. */
export function fromLocalEntry(text: string): string | null | undefined {
  if (text === "") return null;
  const at = Date.parse(text);
  // The field reports every key; a year such as 0202 is one on its way to 2026.
  if (Number.isNaN(at) || new Date(at).getFullYear() < 2000) return undefined;
  return stampOf(at);
}
