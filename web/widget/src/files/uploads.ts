import type { Answer, Fault } from "../http";
import type { Attached } from "../model/outbox";
import type { Uploaded } from "../wire";

// Brings files to the server: a few at a time, in the order they were chosen.

export interface Job {
  /** Becomes the client id of the message. */
  readonly id: string;
  /** null after a reload: what the server has is all that is left. */
  readonly file: Blob | null;
  /** Without a key until it is done. */
  media: Attached;
  state: "waiting" | "running" | "done" | "failed";
  /** 0 to 1. */
  loaded: number;
  /** Why it failed; lasting means that trying again would not change it. */
  code: string;
  lasting: boolean;
}

export interface UploadCall {
  answer: Promise<Answer<Uploaded>>;
  abort(): void;
}

export interface UploadPorts {
  /** Bytes a file may have. */
  limit(): number;
  put(job: Job, progress: (loaded: number) => void): UploadCall;
  changed(job: Job): void;
  transient(fault: Fault): boolean;
}

export interface Uploads {
  add(id: string, file: Blob, media: Attached): Job;
  /** An upload of an earlier page. */
  restore(id: string, media: Attached): Job;
  get(id: string): Job | undefined;
  all(): Job[];
  /** Tries what failed once more. */
  retry(id: string): void;
  /** Stops and forgets. */
  drop(id: string): void;
}

/** So many at once. */
const LINES = 3;
const TRIES = 3;
const LONGEST_WAIT = 10;

export function createUploads(ports: UploadPorts): Uploads {
  const jobs = new Map<string, Job>();
  const calls = new Map<Job, UploadCall>();
  let running = 0;

  const alive = (job: Job) => jobs.get(job.id) === job;
  const change = (job: Job, part: Partial<Job>) => {
    Object.assign(job, part);
    if (alive(job)) ports.changed(job);
  };

  async function run(job: Job): Promise<void> {
    for (let tries = 1; alive(job); tries++) {
      const call = ports.put(job, (loaded) => change(job, { loaded }));
      calls.set(job, call);
      const answer = await call.answer;
      calls.delete(job);
      if (!alive(job)) return;
      if (answer.ok) {
        change(job, { state: "done", loaded: 1, media: { ...answer.value, state: "stored", error: null } });
        return;
      }
      const passing = ports.transient(answer);
      if (!passing || tries === TRIES || answer.wait > LONGEST_WAIT) {
        change(job, { state: "failed", code: answer.code, lasting: !passing });
        return;
      }
      change(job, { loaded: 0 });
      await new Promise((resolve) => setTimeout(resolve, Math.max(answer.wait, 2 ** (tries - 1)) * 1000));
    }
  }

  function pump(): void {
    for (const job of jobs.values()) {
      if (running === LINES) return;
      if (job.state !== "waiting") continue;
      running++;
      change(job, { state: "running" });
      void run(job).finally(() => {
        running--;
        pump();
      });
    }
  }

  function put(id: string, file: Blob | null, media: Attached, part: Partial<Job> = {}): Job {
    const job: Job = { id, file, media, state: "waiting", loaded: 0, code: "", lasting: false, ...part };
    jobs.set(id, job);
    return job;
  }

  return {
    add(id, file, media) {
      const code = !file.size ? "media.empty" : file.size > ports.limit() ? "media.too_large" : "";
      const job = put(id, file, media, code ? { state: "failed", code, lasting: true } : {});
      pump();
      return job;
    },
    restore: (id, media) => put(id, null, media, { state: "done", loaded: 1 }),
    get: (id) => jobs.get(id),
    all: () => [...jobs.values()],
    retry(id) {
      const job = jobs.get(id);
      if (job?.state !== "failed" || !job.file || job.lasting) return;
      change(job, { state: "waiting", loaded: 0, code: "" });
      pump();
    },
    drop(id) {
      const job = jobs.get(id);
      jobs.delete(id);
      if (job) calls.get(job)?.abort();
    },
  };
}
