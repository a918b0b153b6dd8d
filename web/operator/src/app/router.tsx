// Addresses. The app has a dozen pages with plain paths; a router library would be larger than the pages' logic.

import {
  type AnchorHTMLAttributes,
  createContext,
  type MouseEvent,
  type ReactNode,
  useContext,
  useSyncExternalStore,
} from "react";

export const BASE = "/app";

export interface Place {
  /** Path below /app, always starting with a slash. */
  path: string;
  query: URLSearchParams;
}

const listeners = new Set<() => void>();
let current = read();

function read(): Place {
  const path = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) : location.pathname;
  return { path: path.replace(/\/+$/, "") || "/", query: new URLSearchParams(location.search) };
}

function changed(): void {
  current = read();
  for (const listener of listeners) listener();
}

window.addEventListener("popstate", changed);

type Guard = () => boolean;
let guard: Guard | null = null;

/** A form with unsaved changes may ask before the page is left. */
export function setLeaveGuard(next: Guard | null): void {
  guard = next;
}

export function go(to: string, options: { replace?: boolean } = {}): void {
  const address = BASE + to;
  if (address === location.pathname + location.search) return;
  if (guard && !guard()) return;
  if (options.replace) history.replaceState(null, "", address);
  else history.pushState({ inside: true }, "", address);
  changed();
}

/** Back where the operator came from; to the given page when this one was opened directly. */
export function goBack(fallback: string): void {
  if ((history.state as { inside?: boolean } | null)?.inside) history.back();
  else go(fallback);
}

export function usePlace(): Place {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}

export function place(): Place {
  return current;
}

const Params = createContext<Record<string, string>>({});

export function ParamsProvider({ value, children }: { value: Record<string, string>; children: ReactNode }) {
  return <Params.Provider value={value}>{children}</Params.Provider>;
}

export function useNumberParam(name: string): number {
  return Number(useContext(Params)[name]);
}

/** Matches "/settings/widgets/:id" against a path. */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith(":")) {
      if (!/^\d+$/.test(value)) return null;
      params[part.slice(1)] = value;
    } else if (part !== value) {
      return null;
    }
  }
  return params;
}

interface LinkProps extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  to: string;
}

export function Link({ to, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const elsewhere =
      event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0 || rest.target;
    if (event.defaultPrevented || elsewhere) return;
    event.preventDefault();
    go(to);
  };
  return <a {...rest} href={BASE + to} onClick={follow} />;
}
