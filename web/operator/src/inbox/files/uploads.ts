// Uploads: five at a time, the rest waits its turn. A file goes up as soon as it is chosen, so that sending seldom has
// to wait for it, and keeps going up when the operator looks at another conversation.

import { newKey } from "../../api/client.ts";
import { ApiError, asApiError } from "../../api/error.ts";
import type { Uploaded } from "../../api/types.ts";
import { type Held, type Shelf, sendingTray, type Voice } from "./held.ts";
import { sizeText } from "./sizes.ts";

const AT_ONCE = 5;
/** How many files wait in one draft. */
export const MOST = 20;

export interface Transfer {
  answer: Promise<Uploaded>;
  abort(): void;
}

export interface UploadWorld {
  shelf: Shelf;
  transfer(file: Blob, held: Held, progress: (part: number) => void): Transfer;
  /** The longest file that the server takes, in bytes. */
  limit(): Promise<number>;
  preview(file: Blob): string | null;
  forget(preview: string): void;
}

interface Waiter {
  resolve: (media: string) => void;
  reject: (cause: unknown) => void;
}

interface Job {
  file: Blob;
  running: Transfer | null;
  failed: ApiError | null;
  waiters: Waiter[];
}

const GONE = "The file was not uploaded before the page was left. Attach it again.";

export class Uploads {
  private readonly jobs = new Map<string, Job>();
  private readonly world: UploadWorld;

  constructor(world: UploadWorld) {
    this.world = world;
  }

  /** Puts files into a tray and begins to upload them. Returns how many found no place. */
  async add(tray: string, files: File[]): Promise<number> {
    const { shelf } = this.world;
    const room = Math.max(0, MOST - shelf.of(tray).length);
    const made = files.slice(0, room).map((file) => this.hold(file, file.name || "File", null));
    shelf.set(tray, [...shelf.of(tray), ...made]);
    await this.begin(made);
    return files.length - made.length;
  }

  /** A voice message is sent as soon as it is said; one that was left in the middle goes into the tray of the draft. */
  addVoice(file: Blob, name: string, voice: Voice, draft?: string): Held {
    const { shelf } = this.world;
    const held = this.hold(file, name, voice);
    const tray = draft ?? sendingTray(held.key);
    shelf.set(tray, [...shelf.of(tray), held]);
    void this.begin([held]);
    return held;
  }

  retry(key: string): void {
    const found = this.world.shelf.find(key);
    if (found?.held.state !== "failed" || found.held.final) return;
    this.change(key, { state: "waiting", progress: 0, error: "" });
    this.pump();
  }

  /** Everything that failed for want of a connection. */
  retryAll(): void {
    for (const [key, job] of this.jobs) if (job.failed?.transient) this.retry(key);
  }

  /** Ends the upload and forgets the file. */
  drop(key: string): void {
    const found = this.world.shelf.find(key);
    const job = this.jobs.get(key);
    this.jobs.delete(key);
    job?.running?.abort();
    for (const waiter of job?.waiters ?? []) waiter.reject(new ApiError(410, "file.dropped", GONE));
    if (found) {
      if (found.held.preview) this.world.forget(found.held.preview);
      const { tray } = found;
      this.world.shelf.set(
        tray,
        this.world.shelf.of(tray).filter((each) => each.key !== key),
      );
    }
    this.pump();
  }

  /** The server's key of a file, as soon as it is there. Asking again for one that failed tries it again. */
  uploaded(key: string): Promise<string> {
    const found = this.world.shelf.find(key);
    const job = this.jobs.get(key);
    if (!found || !job) return Promise.reject(new ApiError(410, "file.gone", GONE));
    if (found.held.final && job.failed) return Promise.reject(job.failed);
    if (found.held.media) return Promise.resolve(found.held.media);
    return new Promise((resolve, reject) => {
      job.waiters.push({ resolve, reject });
      this.retry(key);
    });
  }

  /** The server has it no more: it goes up anew with the next try. */
  expire(key: string): void {
    this.change(key, { state: "failed", media: null, error: "The server no longer has the file." });
  }

  private hold(file: Blob, name: string, voice: Voice | null): Held {
    const held: Held = {
      key: newKey(),
      name,
      size: file.size,
      type: file.type,
      voice,
      preview: /^image\/(png|jpeg|gif|webp|avif)$/.test(file.type) ? this.world.preview(file) : null,
      state: "waiting",
      progress: 0,
      error: "",
      final: false,
      media: null,
    };
    this.jobs.set(held.key, { file, running: null, failed: null, waiters: [] });
    return held;
  }

  private async begin(made: Held[]): Promise<void> {
    // Not knowing the limit is no reason to wait: the server knows it.
    const limit = await this.world.limit().catch(() => Number.POSITIVE_INFINITY);
    for (const { key, size } of made) {
      if (size === 0) this.refuse(key, new ApiError(422, "media.empty", "The file is empty."));
      else if (size > limit) {
        const detail = `${sizeText(size)} is too large: the limit is ${sizeText(limit)}.`;
        this.refuse(key, new ApiError(413, "media.too_large", detail));
      }
    }
    this.pump();
  }

  private refuse(key: string, error: ApiError): void {
    const job = this.jobs.get(key);
    if (!job) return;
    job.running = null;
    job.failed = error;
    this.change(key, { state: "failed", progress: 0, error: error.detail, final: !error.transient });
    for (const waiter of job.waiters.splice(0)) waiter.reject(error);
  }

  private pump(): void {
    let running = [...this.jobs.values()].filter((job) => job.running).length;
    for (const [key, job] of this.jobs) {
      if (running >= AT_ONCE) return;
      const held = this.world.shelf.find(key)?.held;
      if (job.running || held?.state !== "waiting") continue;
      running += 1;
      void this.run(key, job, held);
    }
  }

  private async run(key: string, job: Job, held: Held): Promise<void> {
    job.failed = null;
    this.change(key, { state: "uploading" });
    const transfer = this.world.transfer(job.file, held, (progress) => {
      if (job.running === transfer) this.change(key, { progress });
    });
    job.running = transfer;
    try {
      const { key: media } = await transfer.answer;
      job.running = null;
      this.change(key, { state: "done", progress: 1, media });
      for (const waiter of job.waiters.splice(0)) waiter.resolve(media);
    } catch (cause) {
      this.refuse(key, asApiError(cause));
    }
    this.pump();
  }

  private change(key: string, fields: Partial<Held>): void {
    const { shelf } = this.world;
    const found = shelf.find(key);
    if (!found) return;
    shelf.set(
      found.tray,
      shelf.of(found.tray).map((each) => (each.key === key ? { ...each, ...fields } : each)),
    );
  }
}
