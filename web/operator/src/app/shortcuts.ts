import { useEffect, useRef } from "react";

interface Shortcut {
  key: string;
  title: string;
  run: () => void;
}

const registered: Shortcut[] = [];

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Single keys belong to whatever is on top: not to the page while somebody types or a window or menu is open. */
function reserved(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || event.isComposing)
    return true;
  if (typing(event.target)) return true;
  return document.querySelector('[role="dialog"], [role="menu"], [role="listbox"]') !== null;
}

window.addEventListener("keydown", (event) => {
  if (reserved(event)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const focused = event.target instanceof HTMLElement ? event.target : null;
  // Enter on a link or button is its own.
  if (key === "Enter" && focused?.closest("a, button")) return;
  const found = registered.findLast((shortcut) => shortcut.key === key);
  if (found) {
    event.preventDefault();
    found.run();
  }
});

/** The latest one registered for a key wins; it is gone with the component. */
export function useShortcut(key: string, title: string, run: () => void, enabled = true): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    if (!enabled) return;
    const shortcut: Shortcut = { key, title, run: () => latest.current() };
    registered.push(shortcut);
    return () => {
      registered.splice(registered.indexOf(shortcut), 1);
    };
  }, [key, title, enabled]);
}

/** What can be done right now, for the palette. */
export function activeShortcuts(): { key: string; title: string; run: () => void }[] {
  const byKey = new Map<string, Shortcut>();
  for (const shortcut of registered) byKey.set(shortcut.key, shortcut);
  return [...byKey.values()];
}
