// The words that go along with a transcript, parted as the command parts them.

/** How many the server takes, and how long one can be. */
export const MOST_WORDS = 50;
export const LONGEST_WORD = 200;

/** Words between blanks; quotes hold several together, and a quote that is never closed is a letter like any other. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)]
    .map(([, held, plain]) => (held ?? plain ?? "").trim())
    .filter(Boolean);
}
