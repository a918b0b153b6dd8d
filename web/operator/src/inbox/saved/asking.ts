// When a text in the field asks for a saved one, and for how long its list is waited for.

/** A line that begins with #, or a word at the end that does. */
const ASKS = /(^\s*#[^\n]*|\s#\S*)$/;
/** In milliseconds: a list that does not come must not keep anybody from sending. */
const PATIENCE = 2000;

export function asksForSaved(text: string): boolean {
  return ASKS.test(text);
}

/** Whether Enter has to wait: a line that begins with # would go out as typed while its list, asked for at `since`, is on its way. */
export function awaitsList(text: string, found: string | undefined, since: number, now: number): boolean {
  return text.trimStart().startsWith("#") && asksForSaved(text) && found !== text && now - since < PATIENCE;
}
