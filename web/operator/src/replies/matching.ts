import type { Reply } from "./api.ts";

/** Those that hold every word somewhere; those whose shortcut begins with what was typed come first. */
export function matching(replies: Reply[], q: string): Reply[] {
  const text = q.trim().toLocaleLowerCase().replace(/^#/, "");
  if (!text) return replies;
  const words = text.split(/\s+/);
  const found = replies.filter(({ shortcut, title, body, options }) => {
    const all = [shortcut, title, body, ...options].join("\n").toLocaleLowerCase();
    return words.every((word) => all.includes(word));
  });
  const first = ({ shortcut }: Reply) => (shortcut.startsWith(text) ? 0 : 1);
  return found.sort((a, b) => first(a) - first(b));
}
