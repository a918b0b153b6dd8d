import { useSyncExternalStore } from "react";
import { Action } from "./Action.tsx";

interface Toast {
  id: number;
  text: string;
  action?: { label: string; run: () => void };
}

let toasts: Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function publish(next: Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

export function dismissToast(id: number): void {
  publish(toasts.filter((toast) => toast.id !== id));
}

export function toast(
  text: string,
  options: { action?: Toast["action"]; milliseconds?: number } = {},
): number {
  const id = nextId++;
  publish([...toasts.slice(-2), { id, text, action: options.action }]);
  window.setTimeout(() => dismissToast(id), options.milliseconds ?? 5000);
  return id;
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <section className="toasts" aria-live="polite" aria-label="Notices">
      {shown.map((item) => (
        <div className="toast" key={item.id}>
          <span>{item.text}</span>
          {item.action && (
            <Action
              onPress={() => {
                item.action?.run();
                dismissToast(item.id);
              }}
            >
              {item.action.label}
            </Action>
          )}
        </div>
      ))}
    </section>
  );
}
