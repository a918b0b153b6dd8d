import { describe, expect, it } from "vitest";
import { ApiError } from "../src/api/error.ts";
import type { Uploaded } from "../src/api/types.ts";
import { type Held, Shelf, sendingTray } from "../src/inbox/files/held.ts";
import { MOST, Uploads } from "../src/inbox/files/uploads.ts";

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
const file = (name: string, size = 10, type = "text/plain") =>
  new File([new Uint8Array(size)], name, { type });
const busy = () => new ApiError(503, "server.busy", "The server is busy.");

function bench(limit: () => Promise<number> = async () => 1000) {
  const shelf = new Shelf();
  const runs: {
    held: Held;
    progress: (part: number) => void;
    resolve: (answer: Uploaded) => void;
    reject: (cause: unknown) => void;
    aborted: boolean;
  }[] = [];
  const forgotten: string[] = [];
  const uploads = new Uploads({
    shelf,
    transfer: (_, held, progress) => {
      const run = {
        held,
        progress,
        resolve: (_: Uploaded) => {},
        reject: (_: unknown) => {},
        aborted: false,
      };
      runs.push(run);
      const answer = new Promise<Uploaded>((resolve, reject) => Object.assign(run, { resolve, reject }));
      return {
        answer,
        abort: () => {
          run.aborted = true;
          run.reject(new ApiError(410, "file.dropped", "cancelled"));
        },
      };
    },
    limit,
    preview: () => "blob:1",
    forget: (preview) => forgotten.push(preview),
  });
  const done = (index: number, key = `media${index}`) => runs[index]?.resolve({ key } as Uploaded);
  const names = (tray: string) => shelf.of(tray).map(({ name, state }) => `${name} ${state}`);
  return { shelf, uploads, runs, forgotten, done, names };
}

describe("uploads", () => {
  it("go up five at a time, in order", async () => {
    const { uploads, runs, done } = bench();
    await uploads.add(
      "reply:1",
      Array.from({ length: 7 }, (_, n) => file(`${n}`)),
    );
    expect(runs.map((run) => run.held.name)).toEqual(["0", "1", "2", "3", "4"]);
    done(2);
    await settle();
    expect(runs.map((run) => run.held.name)).toEqual(["0", "1", "2", "3", "4", "5"]);
  });

  it("tell how far they are", async () => {
    const { shelf, uploads, runs, done } = bench();
    await uploads.add("reply:1", [file("a")]);
    runs[0]?.progress(0.5);
    expect(shelf.of("reply:1")[0]).toMatchObject({ state: "uploading", progress: 0.5 });
    done(0);
    await settle();
    expect(shelf.of("reply:1")[0]).toMatchObject({ state: "done", progress: 1, media: "media0" });
  });

  it("refuse what is too large or empty before a byte is sent", async () => {
    const { shelf, uploads, runs } = bench(async () => 2048);
    await uploads.add("reply:1", [file("large", 2049), file("empty", 0), file("good", 2048)]);
    expect(runs.map((run) => run.held.name)).toEqual(["good"]);
    const [large, empty] = shelf.of("reply:1");
    expect(large).toMatchObject({
      state: "failed",
      final: true,
      error: "2 kB is too large: the limit is 2 kB.",
    });
    expect(empty).toMatchObject({ state: "failed", final: true });
    uploads.retry(large?.key ?? "");
    expect(runs).toHaveLength(1);
  });

  it("go up where the limit is not known", async () => {
    const { uploads, runs } = bench(() => Promise.reject(busy()));
    await uploads.add("reply:1", [file("a")]);
    expect(runs).toHaveLength(1);
  });

  it("leave out what is more than a draft holds", async () => {
    const { shelf, uploads } = bench();
    const many = Array.from({ length: MOST + 3 }, (_, n) => file(`${n}`));
    expect(await uploads.add("reply:1", many)).toBe(3);
    expect(shelf.of("reply:1")).toHaveLength(MOST);
  });

  it("that failed can be tried again, by hand or when the connection is back", async () => {
    const { shelf, uploads, runs, names } = bench();
    await uploads.add("reply:1", [file("a")]);
    runs[0]?.reject(busy());
    await settle();
    expect(shelf.of("reply:1")[0]).toMatchObject({
      state: "failed",
      final: false,
      error: "The server is busy.",
    });
    uploads.retry(shelf.of("reply:1")[0]?.key ?? "");
    expect(names("reply:1")).toEqual(["a uploading"]);
    runs[1]?.reject(busy());
    await settle();
    uploads.retryAll();
    expect(runs).toHaveLength(3);
  });

  it("are ended and forgotten when the file is removed", async () => {
    const { shelf, uploads, runs, forgotten } = bench();
    await uploads.add("reply:1", [file("a.png", 10, "image/png"), file("b")]);
    uploads.drop(shelf.of("reply:1")[0]?.key ?? "");
    await settle();
    expect(runs[0]?.aborted).toBe(true);
    expect(forgotten).toEqual(["blob:1"]);
    expect(shelf.of("reply:1").map((held) => held.name)).toEqual(["b"]);
  });

  it("are waited for by who sends them, wherever the file stands", async () => {
    const { shelf, uploads, done } = bench();
    await uploads.add("reply:1", [file("a")]);
    const [held] = shelf.of("reply:1");
    if (!held) throw new Error("nothing is held");
    shelf.set("reply:1", []);
    shelf.set(sendingTray(held.key), [held]);
    const waiting = uploads.uploaded(held.key);
    done(0);
    expect(await waiting).toBe("media0");
    expect(await uploads.uploaded(held.key)).toBe("media0");
  });

  it("are tried again by who sends them, and anew when the server lost the file", async () => {
    const { shelf, uploads, runs, done } = bench();
    await uploads.add("reply:1", [file("a")]);
    const key = shelf.of("reply:1")[0]?.key ?? "";
    const first = uploads.uploaded(key);
    runs[0]?.reject(busy());
    await expect(first).rejects.toMatchObject({ code: "server.busy" });
    const second = uploads.uploaded(key);
    done(1);
    expect(await second).toBe("media1");
    uploads.expire(key);
    const third = uploads.uploaded(key);
    done(2);
    expect(await third).toBe("media2");
  });

  it("of a page that was left are gone, and said to be", async () => {
    const { uploads } = bench();
    await expect(uploads.uploaded("unknown")).rejects.toMatchObject({ code: "file.gone", transient: false });
  });

  it("of voice messages need no draft", async () => {
    const { shelf, uploads, runs } = bench();
    const voice = { durationMs: 1200, peaks: [1, 2] };
    const held = uploads.addVoice(new Blob(["x"]), "Voice message.webm", voice);
    await settle();
    expect(runs[0]?.held.voice).toEqual(voice);
    expect(shelf.of(sendingTray(held.key))).toHaveLength(1);
    uploads.addVoice(new Blob(["x"]), "Voice message.webm", voice, "note:4");
    expect(shelf.of("note:4")).toHaveLength(1);
  });
});
