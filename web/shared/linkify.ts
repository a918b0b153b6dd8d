// Finds web and mail addresses in plain text. The result is data; whoever renders it never builds HTML.

export type Piece = { text: string; href: string | null };

const ADDRESS =
  /\bhttps?:\/\/[^\s<>"'`{}|\\^]+|\bwww\.[^\s<>"'`{}|\\^.]+\.[^\s<>"'`{}|\\^]+|[a-z0-9][a-z0-9._%+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}/gi;

/** Sentence punctuation at the end is not part of the address; a closing bracket is, if it was opened inside. */
function trimEnd(found: string): string {
  let end = found.length;
  for (; end > 0; end--) {
    const last = found[end - 1] ?? "";
    if (".,;:!?…*_~'\"”’»".includes(last)) continue;
    const open = { ")": "(", "]": "[" }[last];
    if (!open) break;
    const head = found.slice(0, end);
    if (head.split(last).length <= head.split(open).length) break;
  }
  return found.slice(0, end);
}

function target(found: string): string | null {
  if (/^(https?:|www\.)/i.test(found)) {
    try {
      const url = new URL(/^w/i.test(found) ? `https://${found}` : found);
      return url.hostname ? url.href : null;
    } catch {
      return null;
    }
  }
  return `mailto:${found}`;
}

export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const found = trimEnd(match[0]);
    const href = found ? target(found) : null;
    if (!href) continue;
    if (match.index > done) pieces.push({ text: text.slice(done, match.index), href: null });
    pieces.push({ text: found, href });
    done = match.index + found.length;
  }
  if (done < text.length) pieces.push({ text: text.slice(done), href: null });
  return pieces;
}
