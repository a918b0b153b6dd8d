// Events to the host page. "ready" and "state" are sticky: who comes late still gets the last one.

export type Listener = (data: unknown) => void;

export interface Bus {
  on(name: string, listener: Listener): () => void;
  emit(name: string, data?: unknown): void;
  last(name: string): unknown;
  forget(name: string): void;
}

export function createBus(): Bus {
  const listeners = new Map<string, Set<Listener>>();
  const sticky = new Map<string, unknown>();
  const call = (listener: Listener, data: unknown) => {
    try {
      listener(data);
    } catch (problem) {
      // A fault in the page's own listener must not stop the messenger, and must stay visible.
      console.error(problem);
    }
  };
  return {
    on(name, listener) {
      if (typeof listener !== "function") return () => undefined;
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener));
      if (sticky.has(name)) call(listener, sticky.get(name));
      return () => set.delete(listener);
    },
    emit(name, data) {
      if (name === "ready" || name === "state") sticky.set(name, data);
      for (const listener of listeners.get(name) ?? []) call(listener, data);
    },
    last: (name) => sticky.get(name),
    forget: (name) => sticky.delete(name),
  };
}
