// What an operator wants a field of a conversation to be, shown before the server has agreed. One write at a time for
// each conversation, and the latest wish wins: whoever clicks twice gets what the second click said.

import { useSyncExternalStore } from "react";
import { type ApiError, asApiError } from "../api/error.ts";
import type { Conversation } from "../api/types.ts";

export interface WishWorld<Value> {
  write(id: number, value: Value): Promise<Conversation>;
  granted(answer: Conversation): void;
  refused(id: number, error: ApiError): void;
}

export class Wishes<Value> {
  private readonly wanted = new Map<number, Value>();
  private readonly listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** undefined when nothing is wanted that the server does not know. */
  of(id: number): Value | undefined {
    return this.wanted.get(id);
  }

  want(id: number, value: Value, world: WishWorld<Value>): void {
    const busy = this.wanted.has(id);
    this.wanted.set(id, value);
    this.publish();
    if (!busy) void this.work(id, value, world);
  }

  private async work(id: number, value: Value, world: WishWorld<Value>): Promise<void> {
    try {
      const answer = await world.write(id, value);
      const latest = this.wanted.get(id);
      if (latest !== undefined && latest !== value) {
        await this.work(id, latest, world);
        return;
      }
      world.granted(answer);
      this.wanted.delete(id);
    } catch (cause) {
      this.wanted.delete(id);
      world.refused(id, asApiError(cause));
    }
    this.publish();
  }

  private publish(): void {
    for (const listener of this.listeners) listener();
  }
}

export function useWish<Value>(wishes: Wishes<Value>, id: number): Value | undefined {
  return useSyncExternalStore(wishes.subscribe, () => wishes.of(id));
}
