// Small things this browser remembers. Storage may be forbidden or full: then they last as long as the page.

import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
const memory = new Map<string, string>();

function storage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null): void {
  const key = `parley.${name}`;
  try {
    if (value === null) storage()?.removeItem(key);
    else storage()?.setItem(key, value);
  } catch {
    // Full: the copy in memory serves this page.
  }
  if (value === null) memory.delete(key);
  else memory.set(key, value);
  for (const listener of listeners) listener();
}

export function remembered(name: string): string | null {
  const key = `parley.${name}`;
  return memory.get(key) ?? storage()?.getItem(key) ?? null;
}

export function useRemembered(name: string): string | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => remembered(name),
  );
}
