import type { Told } from "../facts";
import type { Answer, Facts, Fault, Http } from "../http";
import type { Vault } from "../vault";
import type { Contact, OfflineAnswer, OfflineRequest, Visit } from "../wire";

// Messages that were left while nobody was there. Each is kept on the device from the moment the visitor sends it until the
// server has taken it: over reloads, closed panels and days without a line.

export interface BoxPorts {
  vault: Pick<Vault, "read" | "set" | "unlock">;
  http: Pick<Http, "tell">;
  /** The widget's. */
  key: string;
  /** Milliseconds before the n-th try. */
  backoff(attempt: number): number;
  /** Whether a fault may be gone next time. */
  transient(fault: Fault): boolean;
  uuid(): string;
  visit(): Visit;
  /** What the page has told of the visitor, and what the server knows. */
  told(): Told;
  contact(): Contact | null;
  /** Ends with the messenger. */
  signal: AbortSignal;
  /** The token does not hold any more. */
  leave(keepUnsent: boolean): void;
  report(fault: Pick<Fault, "code" | "message">): void;
  /** What the page has told counts as told; who the visitor is now is known. */
  accepted(answer: OfflineAnswer): void;
  change(facts: Facts): void;
}

/** The server has looked at it and does not want it; its words go back into the form. */
interface Entry extends OfflineRequest {
  refused?: boolean;
}

export type Words = Pick<OfflineRequest, "name" | "email" | "message">;

export interface Left {
  /** waiting: there is no line at the moment. */
  is: "writing" | "sending" | "waiting" | "sent" | "refused";
  email?: string;
  conversationId?: number;
  /** The code of the refusal. */
  code?: string;
}

export interface OfflineBox {
  leave(words: Words): void;
  state(): Left;
  /** What the server refused, once: from now on the form has it. */
  takeBack(): Words | null;
  /** The visitor has seen that it was sent. */
  done(): void;
  /** What the form can begin with. */
  known(): Record<string, unknown>;
  watch(listener: () => void): () => void;
}

/** Tries before the visitor is told that there is no line. */
const PATIENCE = 2;
/** Dead tokens in a row; more is a fault that no new token heals. */
const STRANGERS = 3;

const isEntry = (one: Partial<Entry> | null): one is Entry =>
  typeof one?.client_id === "string" && typeof one.email === "string" && typeof one.message === "string";

export function openBox(ports: BoxPorts): OfflineBox {
  const { signal, vault } = ports;
  const path = `/widgets/${ports.key}/offline-messages`;
  const listeners = new Set<() => void>();
  let now: Left = { is: "writing" };
  let busy = false;
  let wake = () => {};

  const stored = (): Entry[] => {
    const found = vault.read("offline");
    return Array.isArray(found) ? found.filter(isEntry) : [];
  };
  // Read anew each time: another tab has its own in the same place.
  const keep = (entries: Entry[]) => vault.set("offline", entries.length ? JSON.stringify(entries) : null);
  const change = (id: string, next: Entry | null) =>
    keep(stored().flatMap((one) => (one.client_id === id ? (next ?? []) : one)));

  function become(next: Left): void {
    now = next;
    for (const listener of listeners) listener();
  }

  const wait = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  /** Returns whether the fault is one that sending again may heal. */
  function amend(entry: Entry, fault: Fault, strangers: number): boolean {
    if (fault.status === 401 && strangers < STRANGERS) {
      ports.leave(true);
      return true;
    }
    if (fault.status === 422 && entry.claimed) {
      // Perhaps only what the page added to it.
      const { claimed: _claimed, ...rest } = entry;
      change(entry.client_id, rest);
      ports.report(fault);
      return true;
    }
    return false;
  }

  async function pump(): Promise<void> {
    if (busy) return;
    busy = true;
    let tries = 0;
    let strangers = 0;
    /** Claims that went with the message, also one that was not wanted. */
    const tried = new Set<string>();
    for (;;) {
      const entry = stored().find((one) => !one.refused);
      if (!entry || signal.aborted) break;
      const { client_id: id, email } = entry;
      if (tries < PATIENCE) become({ is: "sending", email });
      tried.add(JSON.stringify(entry.claimed));
      const answer: Answer<OfflineAnswer> = await ports.http.tell(path, { ...entry });
      if (signal.aborted) break;
      if (answer.ok) {
        change(id, null);
        tries = strangers = 0;
        become({ is: "sent", email, conversationId: answer.value.conversation_id });
        // The message takes a claim along, and only the one of its time; everything else follows it.
        const { contact, custom, claimed } = ports.told();
        const facts: Facts = {
          ...contact,
          ...(custom && { custom }),
          ...(claimed && !tried.has(JSON.stringify(claimed)) && { claimed }),
        };
        tried.clear();
        ports.accepted(answer.value);
        if (Object.keys(facts).length) ports.change(facts);
      } else if (amend(entry, answer, strangers)) strangers++;
      else if (ports.transient(answer)) {
        tries++;
        if (tries >= PATIENCE || answer.wait > 2) become({ is: "waiting", email });
        await wait(Math.max(answer.wait * 1000, ports.backoff(tries)));
      } else {
        change(id, { ...entry, refused: true });
        become({ is: "refused", code: answer.code });
        ports.report(answer);
      }
    }
    busy = false;
  }

  window.addEventListener("online", () => wake(), { signal });
  signal.addEventListener("abort", () => wake());
  void pump();

  return {
    leave({ name, email, message }) {
      vault.unlock();
      const { claimed } = ports.told();
      const words = { name: name.trim(), email: email.trim(), message: message.trim() };
      keep([
        ...stored(),
        { client_id: ports.uuid(), ...words, ...(claimed && { claimed }), visit: ports.visit() },
      ]);
      // Behind one that waits for the line it waits too, and perhaps the line is back.
      if (busy) become({ is: now.is === "waiting" ? "waiting" : "sending", email: words.email });
      wake();
      void pump();
    },
    state: () => now,
    takeBack() {
      const refused = stored().findLast((one) => one.refused);
      if (!refused) return null;
      change(refused.client_id, null);
      return refused;
    },
    done: () => become({ is: "writing" }),
    known: () => ({ ...ports.told().claimed?.traits, ...ports.told().contact, ...ports.contact() }),
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
