import type { Viewer } from "../api/types.ts";

export interface Typist {
  name: string;
  type: "contact" | "operator" | "bot" | "system";
}

export interface ConversationPresence {
  typists: Typist[];
  viewers: Viewer[];
}

const NOBODY: ConversationPresence = { typists: [], viewers: [] };

/** Who types and who looks, by conversation. It is forgotten with the line, never stored. */
export class PresenceBoard {
  private typing = new Map<number, Map<string, { typist: Typist; timer: number }>>();
  private viewers = new Map<number, Viewer[]>();
  private shown = new Map<number, ConversationPresence>();
  private listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  of(conversationId: number): ConversationPresence {
    return this.shown.get(conversationId) ?? NOBODY;
  }

  setTyping(conversationId: number, typist: Typist, identity: string, seconds: number): void {
    const people = this.typing.get(conversationId) ?? new Map();
    const before = people.get(identity);
    if (before) window.clearTimeout(before.timer);
    const timer = window.setTimeout(() => this.stopTyping(conversationId, identity), seconds * 1000);
    people.set(identity, { typist, timer });
    this.typing.set(conversationId, people);
    if (!before) this.publish(conversationId);
  }

  stopTyping(conversationId: number, identity: string): void {
    const people = this.typing.get(conversationId);
    const entry = people?.get(identity);
    if (!people || !entry) return;
    window.clearTimeout(entry.timer);
    people.delete(identity);
    if (people.size === 0) this.typing.delete(conversationId);
    this.publish(conversationId);
  }

  setViewers(conversationId: number, viewers: Viewer[]): void {
    if (viewers.length === 0) this.viewers.delete(conversationId);
    else this.viewers.set(conversationId, viewers);
    this.publish(conversationId);
  }

  clear(): void {
    const touched = [...this.shown.keys()];
    for (const people of this.typing.values()) {
      for (const entry of people.values()) window.clearTimeout(entry.timer);
    }
    this.typing.clear();
    this.viewers.clear();
    for (const id of touched) this.publish(id);
  }

  private publish(conversationId: number): void {
    const typists = [...(this.typing.get(conversationId)?.values() ?? [])].map((entry) => entry.typist);
    const viewers = this.viewers.get(conversationId) ?? [];
    if (typists.length === 0 && viewers.length === 0) this.shown.delete(conversationId);
    else this.shown.set(conversationId, { typists, viewers });
    for (const listener of this.listeners) listener();
  }
}
