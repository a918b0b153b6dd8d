import { tokenName } from "./names";

// What the messenger remembers. Until the visitor has written, only in memory: nothing is stored on the device
// of somebody who merely looks at a page.

type Name = "token" | "outbox" | "offline" | "drafts" | "visits" | "session" | "open";

export interface Vault {
  get(name: Name): string | null;
  /** What was stored as JSON, unchecked: anything may stand there. null where it is nothing of the kind. */
  read(name: Name): unknown;
  set(name: Name, value: string | null): void;
  /** From now on on the device; what was in memory moves there. */
  unlock(): void;
  /** Forget everything, and be in memory only again. */
  wipe(): void;
  /** Another tab changed something. */
  onChange(listener: (name: Name) => void): () => void;
}

/** These end with the tab. */
const SESSION: readonly Name[] = ["session", "open"];
const NAMES: readonly Name[] = ["token", "outbox", "offline", "drafts", "visits", ...SESSION];

export function openVault(key: string): Vault {
  const memory = new Map<Name, string>();
  const prefix = tokenName(key).slice(0, -"token".length);
  let unlocked = false;

  // Both can be denied by the browser, or full; the messenger then works from memory.
  const device = (name: Name, act: (storage: Storage, full: string) => string | null | undefined) => {
    try {
      return act(SESSION.includes(name) ? sessionStorage : localStorage, prefix + name) ?? null;
    } catch {
      return null;
    }
  };
  const read = (name: Name) => device(name, (storage, full) => storage.getItem(full));
  const write = (name: Name, value: string | null) =>
    device(name, (storage, full) => {
      if (value === null) storage.removeItem(full);
      else storage.setItem(full, value);
      return null;
    });

  // Something lies there only when the visitor has written.
  unlocked = NAMES.some((name) => read(name) !== null);

  const get = (name: Name) => (unlocked && read(name)) || (memory.get(name) ?? null);

  return {
    get,
    read(name) {
      try {
        return JSON.parse(get(name) ?? "");
      } catch {
        return null;
      }
    },
    set(name, value) {
      if (value === null) memory.delete(name);
      else memory.set(name, value);
      if (unlocked) write(name, value);
    },
    unlock() {
      if (unlocked) return;
      unlocked = true;
      for (const [name, value] of memory) write(name, value);
    },
    wipe() {
      for (const name of NAMES) write(name, null);
      memory.clear();
      unlocked = false;
    },
    onChange(listener) {
      const heard = (event: StorageEvent) => {
        const name = NAMES.find((one) => prefix + one === event.key);
        if (!name) return;
        if (event.newValue === null) memory.delete(name);
        // The visitor wrote in another tab of this site.
        if (name === "token" && event.newValue !== null) unlocked = true;
        listener(name);
      };
      window.addEventListener("storage", heard);
      return () => window.removeEventListener("storage", heard);
    },
  };
}
