import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clockText, kindOf, sizeText, webAddress, within } from "../src/files/describe";
import { peaksOf } from "../src/files/recorder";
import { createUploads, type Job, type UploadCall } from "../src/files/uploads";
import { type Answer, isTransient } from "../src/http";
import type { Attached } from "../src/model/outbox";
import type { Uploaded } from "../src/wire";

const local = (name: string): Attached => ({
  key: null,
  kind: "file",
  state: "stored",
  name,
  content_type: "",
  size: 3,
  width: null,
  height: null,
  duration_ms: null,
  peaks: [],
  url: null,
  thumb_url: null,
  error: null,
});
const stored = (name: string): Answer<Uploaded> => {
  const { state: _state, error: _error, ...rest } = local(name);
  return { ok: true, value: { ...rest, key: `k-${name}`, url: `https://chat.example/media/${name}` } };
};
const fault = (status: number, code = "x", wait = 0): Answer<Uploaded> => ({
  ok: false,
  status,
  code,
  message: "",
  wait,
});

function bench(limit = 100) {
  const calls: { job: Job; end(answer: Answer<Uploaded>): void; progress(loaded: number): void }[] = [];
  const aborted: string[] = [];
  const seen: string[] = [];
  const uploads = createUploads({
    limit: () => limit,
    transient: isTransient,
    changed: (job) => void seen.push(`${job.id} ${job.state} ${job.loaded}`),
    put(job, progress): UploadCall {
      let end: (answer: Answer<Uploaded>) => void = () => undefined;
      const answer = new Promise<Answer<Uploaded>>((resolve) => {
        end = resolve;
      });
      calls.push({ job, end, progress });
      return {
        answer,
        abort() {
          aborted.push(job.id);
          end(fault(0, "network"));
        },
      };
    },
  });
  const add = (id: string, text = "abc") => uploads.add(id, new Blob([text]), local(id));
  return { uploads, calls, aborted, seen, add, names: () => calls.map(({ job }) => job.id) };
}
const flush = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("uploads", () => {
  it("run three at a time, in the order they were chosen", async () => {
    const b = bench();
    for (const id of ["a", "b", "c", "d", "e"]) b.add(id);
    expect(b.names()).toEqual(["a", "b", "c"]);
    b.calls[1]?.end(stored("b"));
    await flush();
    expect(b.names()).toEqual(["a", "b", "c", "d"]);
    expect(b.uploads.get("b")).toMatchObject({ state: "done", media: { key: "k-b", state: "stored" } });
  });

  it("refuse what is too large or empty without asking the server", async () => {
    const b = bench(2);
    expect(b.add("a")).toMatchObject({ state: "failed", lasting: true, code: "media.too_large" });
    expect(b.add("b", "")).toMatchObject({ state: "failed", lasting: true, code: "media.empty" });
    b.uploads.retry("a");
    expect(b.names()).toEqual([]);
  });

  it("try a weak line three times, then wait for the visitor", async () => {
    const b = bench();
    b.add("a");
    for (let i = 0; i < 3; i++) {
      b.calls[i]?.progress(0.5);
      b.calls[i]?.end(fault(0, "network"));
      await flush(10_000);
    }
    expect(b.names()).toEqual(["a", "a", "a"]);
    expect(b.uploads.get("a")).toMatchObject({ state: "failed", lasting: false, code: "network" });
    b.uploads.retry("a");
    b.calls[3]?.end(stored("a"));
    await flush();
    expect(b.uploads.get("a")?.state).toBe("done");
  });

  it("wait as long as the server asks, unless that is too long", async () => {
    const b = bench();
    b.add("a");
    b.calls[0]?.end(fault(429, "request.limited", 5));
    await flush(4_900);
    expect(b.calls).toHaveLength(1);
    await flush(200);
    expect(b.calls).toHaveLength(2);
    b.calls[1]?.end(fault(429, "request.limited", 3600));
    await flush();
    expect(b.uploads.get("a")).toMatchObject({ state: "failed", lasting: false, code: "request.limited" });
  });

  it("a refusal is for good and makes room for the next", async () => {
    const b = bench();
    for (const id of ["a", "b", "c", "d"]) b.add(id);
    b.calls[0]?.end(fault(422, "media.refused"));
    await flush();
    expect(b.uploads.get("a")).toMatchObject({ state: "failed", lasting: true });
    expect(b.names()).toEqual(["a", "b", "c", "d"]);
    b.uploads.retry("a");
    expect(b.calls).toHaveLength(4);
  });

  it("what is thrown away stops, says nothing more and makes room", async () => {
    const b = bench();
    for (const id of ["a", "b", "c", "d"]) b.add(id);
    b.seen.length = 0;
    b.uploads.drop("a");
    await flush(60_000);
    expect(b.aborted).toEqual(["a"]);
    expect(b.seen.some((line) => line.startsWith("a"))).toBe(false);
    expect(b.names()).toEqual(["a", "b", "c", "d"]);
    expect(b.uploads.get("a")).toBeUndefined();
  });

  it("an upload of an earlier page is done and never sent again", () => {
    const b = bench();
    const job = b.uploads.restore("a", { ...local("a"), key: "k" });
    expect(job).toMatchObject({ state: "done", file: null });
    b.uploads.retry("a");
    expect(b.calls).toHaveLength(0);
  });
});

describe("what is said of a file", () => {
  it("its kind, until the server has looked inside", () => {
    expect(
      ["image/png", "image/svg+xml", "audio/ogg", "video/mp4", "application/pdf", "text/html", ""].map(
        kindOf,
      ),
    ).toEqual(["image", "file", "audio", "video", "pdf", "file", "file"]);
  });

  it("its size and length", () => {
    expect(
      [0, 900, 1024, 98_000, 1_500_000, 25 << 20, 3_000_000_000].map((size) => sizeText(size, "en")),
    ).toEqual(["0 B", "900 B", "1 kB", "96 kB", "1.4 MB", "25 MB", "2.8 GB"]);
    expect(sizeText(1_500_000, "de")).toBe("1,4 MB");
    expect([0, 9.9, 65, 600].map(clockText)).toEqual(["0:00", "0:09", "1:05", "10:00"]);
  });

  it("only addresses of the web", () => {
    const base = "https://chat.example";
    expect(webAddress("https://x.example/a", base)).toBe("https://x.example/a");
    expect(webAddress("/media/k/a.png", base)).toBe("https://chat.example/media/k/a.png");
    for (const bad of [
      "javascript:alert(1)",
      "data:text/html,x",
      "//evil.example",
      "/\\evil.example",
      "",
      null,
    ])
      expect(webAddress(bad, base), String(bad)).toBeNull();
  });

  it("its room in the thread keeps its shape and never grows", () => {
    expect(within(4000, 3000, 240, 280)).toEqual([240, 180]);
    expect(within(100, 5000, 240, 280)).toEqual([6, 280]);
    expect(within(20, 10, 240, 280)).toEqual([20, 10]);
    expect(within(100_000, 1, 240, 280)).toEqual([240, 1]);
  });

  it("its peaks: at most 64, from 0 to 100, and a short word is seen", () => {
    expect(peaksOf([])).toEqual([]);
    expect(peaksOf([0, 0.5, 1])).toEqual([0, 50, 100]);
    const levels = Array.from({ length: 3000 }, (_, i) => (i === 1500 ? 1 : 0.1));
    const peaks = peaksOf(levels);
    expect(peaks).toHaveLength(64);
    expect(Math.max(...peaks)).toBe(100);
    expect(peaks.filter((one) => one === 10)).toHaveLength(63);
    // Silence stays flat.
    expect(Math.max(...peaksOf(Array.from({ length: 100 }, () => 0.004)))).toBeLessThan(10);
  });
});
