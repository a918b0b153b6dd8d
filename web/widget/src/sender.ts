import { backoff } from "../../shared/backoff";
import type { Answer, Fault } from "./http";
import { isTransient } from "./http";
import { markFailed, nextToSend, type Outbox, type OutboxItem, revive, without } from "./model/outbox";
import type { SendAnswer } from "./wire";

// Empties the outbox: one message at a time, so that they arrive in the order they were written.

export interface SenderPorts {
  outbox(): Outbox;
  change(outbox: Outbox): void;
  send(item: OutboxItem): Promise<Answer<SendAnswer>>;
  sent(item: OutboxItem, answer: SendAnswer): void;
  /** The server does not know this visitor any more; what was written starts anew. */
  unknownVisitor(): void;
  /** The server does not take the message, perhaps only for what the page added to it. Returns whether that is gone now. */
  lighten(fault: Fault): boolean;
  failed(item: OutboxItem, fault: Fault): void;
}

/** Tries before the visitor is told; together about four seconds of waiting. */
const TRIES = 3;
const LONGEST_WAIT = 10_000;

export interface Sender {
  pump(): Promise<void>;
  /** Try a failed message again, or all of them that only wait for the line. */
  retry(clientId: string | null): void;
  discard(clientId: string): void;
  /** Something about a waiting message changed: its file is there, or will not come. */
  edit(clientId: string, patch: Partial<OutboxItem>): void;
  stop(): void;
}

export function createSender(ports: SenderPorts): Sender {
  let busy = false;
  let stopped = false;

  const edit = (clientId: string, patch: Partial<OutboxItem>) =>
    ports.change(ports.outbox().map((item) => (item.clientId === clientId ? { ...item, ...patch } : item)));

  /** Some refusals only mean that the world moved on while the visitor was writing. */
  function amend(item: OutboxItem, fault: Fault): boolean {
    if (fault.code === "conversation.ended" && !item.reopen && item.conversationId !== null) {
      edit(item.clientId, { reopen: true });
      return true;
    }
    if (fault.code === "conversation.not_found" && item.conversationId !== null) {
      edit(item.clientId, { conversationId: null, reopen: false });
      return true;
    }
    if (fault.status === 401 && item.tries < TRIES) {
      ports.unknownVisitor();
      edit(item.clientId, { tries: item.tries + 1 });
      return true;
    }
    return fault.status === 422 && ports.lighten(fault);
  }

  async function sendOne(item: OutboxItem): Promise<void> {
    const answer = await ports.send(item);
    if (stopped) return;
    if (answer.ok) {
      ports.sent(item, answer.value);
      return;
    }
    if (amend(item, answer)) return;
    const tries = item.tries + 1;
    if (isTransient(answer) && tries < TRIES && answer.wait * 1000 <= LONGEST_WAIT) {
      edit(item.clientId, { tries });
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(answer.wait * 1000, backoff(tries, 600, LONGEST_WAIT))),
      );
      return;
    }
    ports.change(markFailed(ports.outbox(), item.clientId, !isTransient(answer)));
    ports.failed(item, answer);
  }

  async function pump(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      for (let item = nextToSend(ports.outbox()); item && !stopped; item = nextToSend(ports.outbox())) {
        await sendOne(item);
      }
    } finally {
      busy = false;
    }
  }

  return {
    pump,
    edit(clientId, patch) {
      edit(clientId, patch);
      void pump();
    },
    retry(clientId) {
      ports.change(revive(ports.outbox(), clientId));
      void pump();
    },
    discard: (clientId) => ports.change(without(ports.outbox(), clientId)),
    stop() {
      stopped = true;
    },
  };
}
