// What was written but not sent, by conversation. It survives a reload and belongs to one operator.

import { useSyncExternalStore } from "react";

export type DraftKind = "reply" | "note";
/** What is kept of a draft: its texts, and the answers that go with the reply, one a line. */
type DraftField = DraftKind | "choices";

interface Draft {
  reply: string;
  note: string;
  choices?: string;
  /** When it was last touched, to forget the oldest first. */
  at: number;
}

const KEEP = 200;
const EMPTY = "";

export interface DraftStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export class Drafts {
  private readonly drafts: Map<number, Draft>;
  private readonly listeners = new Set<() => void>();
  private readonly storage: DraftStorage | null;
  private readonly key: string;
  private readonly clock: () => number;

  constructor(storage: DraftStorage | null, operatorId: number, clock: () => number = Date.now) {
    this.storage = storage;
    this.key = `parley.drafts.${operatorId}`;
    this.clock = clock;
    this.drafts = this.load();
  }

  get(conversationId: number, kind: DraftField): string {
    return this.drafts.get(conversationId)?.[kind] ?? EMPTY;
  }

  set(conversationId: number, kind: DraftField, text: string): void {
    const draft = this.drafts.get(conversationId) ?? { reply: "", note: "", at: 0 };
    const next = { ...draft, [kind]: text, at: this.clock() };
    // Without its question an answer is none.
    if (next.reply.trim() === "") delete next.choices;
    if (next.reply.trim() === "" && next.note.trim() === "" && text === "")
      this.drafts.delete(conversationId);
    else this.drafts.set(conversationId, next);
    this.forgetOldest();
    this.save();
    for (const listener of this.listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private load(): Map<number, Draft> {
    try {
      const stored: unknown = JSON.parse(this.storage?.getItem(this.key) ?? "{}");
      const drafts = new Map<number, Draft>();
      if (typeof stored !== "object" || stored === null) return drafts;
      for (const [id, value] of Object.entries(stored)) {
        const draft = value as Partial<Draft> | null;
        if (typeof draft?.reply === "string" && typeof draft.note === "string") {
          const { reply, note, choices } = draft;
          const more = typeof choices === "string" ? { choices } : {};
          drafts.set(Number(id), { reply, note, ...more, at: Number(draft.at) || 0 });
        }
      }
      return drafts;
    } catch {
      return new Map();
    }
  }

  private save(): void {
    try {
      this.storage?.setItem(this.key, JSON.stringify(Object.fromEntries(this.drafts)));
    } catch {
      // Full or forbidden: the draft lives as long as the page.
    }
  }

  private forgetOldest(): void {
    if (this.drafts.size <= KEEP) return;
    const oldest = [...this.drafts].sort((a, b) => a[1].at - b[1].at)[0];
    if (oldest) this.drafts.delete(oldest[0]);
  }
}

let current: { operatorId: number; drafts: Drafts } | null = null;

export function draftsOf(operatorId: number): Drafts {
  if (current?.operatorId !== operatorId) {
    let storage: DraftStorage | null = null;
    try {
      storage = window.localStorage;
    } catch {
      // Forbidden by the browser's settings.
    }
    current = { operatorId, drafts: new Drafts(storage, operatorId) };
  }
  return current.drafts;
}

export function useDraft(operatorId: number, conversationId: number, kind: DraftField): string {
  const drafts = draftsOf(operatorId);
  return useSyncExternalStore(drafts.subscribe, () => drafts.get(conversationId, kind));
}
