// Files that are to be sent: in the tray of a draft, or on their way. They live as long as the page; what uploads them
// is loaded with the first file.

import { useSyncExternalStore } from "react";

export interface Voice {
  durationMs: number;
  /** Loudness, 0 to 100 each. */
  peaks: number[];
}

export interface Held {
  key: string;
  name: string;
  size: number;
  type: string;
  voice: Voice | null;
  /** A blob address of a picture, for as long as it is held. */
  preview: string | null;
  state: "waiting" | "uploading" | "done" | "failed";
  /** 0 to 1. */
  progress: number;
  error: string;
  /** Trying again would not help. */
  final: boolean;
  /** The server's key, once it is there. */
  media: string | null;
}

const NONE: Held[] = [];

export class Shelf {
  private readonly trays = new Map<string, Held[]>();
  private readonly listeners = new Set<() => void>();

  of(tray: string): Held[] {
    return this.trays.get(tray) ?? NONE;
  }

  set(tray: string, list: Held[]): void {
    if (list.length === 0) this.trays.delete(tray);
    else this.trays.set(tray, list);
    for (const listener of this.listeners) listener();
  }

  find(key: string): { tray: string; held: Held } | undefined {
    for (const [tray, list] of this.trays) {
      const held = list.find((each) => each.key === key);
      if (held) return { tray, held };
    }
    return undefined;
  }

  get size(): number {
    return this.trays.size;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

export const shelf = new Shelf();

/** The tray of a draft. */
export function trayOf(conversationId: number, kind: string): string {
  return `${kind}:${conversationId}`;
}

/** The tray of one file that left its draft. */
export function sendingTray(key: string): string {
  return `sending:${key}`;
}

export function useTray(tray: string): Held[] {
  return useSyncExternalStore(shelf.subscribe, () => shelf.of(tray));
}
