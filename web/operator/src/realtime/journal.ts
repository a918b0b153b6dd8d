import type { Event } from "../api/types.ts";

/**
 * The last events, kept so that an answer which was under way while events arrived can be brought up to date
 * instead of being asked for again.
 */
export class Journal {
  private events: Event[] = [];
  private start = 0;
  private last = 0;
  private readonly capacity: number;

  constructor(capacity = 2000) {
    this.capacity = capacity;
  }

  get seq(): number {
    return this.last;
  }

  /** Begins anew behind a snapshot that contains everything up to seq. */
  reset(seq: number): void {
    this.events = [];
    this.start = seq;
    this.last = seq;
  }

  /** False when the event was seen before. */
  add(event: Event): boolean {
    if (event.seq <= this.last) return false;
    this.events.push(event);
    this.last = event.seq;
    if (this.events.length > this.capacity) {
      const dropped = this.events.splice(0, this.events.length - this.capacity);
      this.start = dropped.at(-1)?.seq ?? this.start;
    }
    return true;
  }

  /** The events after seq in order, or null when the journal does not reach back that far. */
  since(seq: number): Event[] | null {
    if (seq < this.start) return null;
    return this.events.filter((event) => event.seq > seq);
  }
}
