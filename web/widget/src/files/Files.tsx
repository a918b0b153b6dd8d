import type { ComponentChildren, FunctionComponent } from "preact";
import type { Fault } from "../http";
import type { Attached } from "../model/outbox";
import type { Bubble, Rich } from "../model/view";
import { fileTexts } from "../texts/files";
import type { Ui } from "../ui/context";
import type { Kit } from "../ui/Later";
import { clockText, kindOf, sizeText } from "./describe";
import css from "./files.css?inline";
import { makeGlyph } from "./glyphs";
import { putFile } from "./put";
import { makeRich } from "./Rich";
import type { Recorder } from "./recorder";
import { makeTray } from "./Tray";
import { createUploads, type Job } from "./uploads";

// Everything that has to do with files: attaching, recording, uploading, showing. It is loaded when it is first needed.

export interface Files {
  /** Above the composer: what is attached, or the recorder. */
  Tray: FunctionComponent;
  /** A message that is more than words. */
  Rich: FunctionComponent<{ row: Bubble; rich: Rich; text: ComponentChildren }>;
  /** What was chosen in the browser's own window. */
  pick(input: HTMLInputElement | null): void;
  /** Files over, or let go on, the messenger, or pasted. */
  take(event: string, list: readonly File[]): void;
  record(): void;
  recording(): boolean;
  /** Something is attached that can be sent. */
  waiting(): boolean;
  /** Sends what is attached, one message each, the text with the first; or the text alone. */
  send(text: string): void;
  stop(): void;
}

/** What the messenger has and this part needs too. */
export interface Tools {
  key: string;
  uuid(): string;
  transient(fault: Fault): boolean;
}

/** What the parts of the screen for files share. */
export interface Desk {
  kit: Kit;
  ui: Ui;
  texts: ReturnType<typeof fileTexts>;
  Glyph: ReturnType<typeof makeGlyph>;
  size(bytes: number): string;
  clock(seconds: number): string;
  /** Draws the component again with each progress. */
  useProgress(): void;
  job(id: string | null): Job | undefined;
  /** Attached and not sent yet, in order. */
  attached(): Job[];
  /** What went wrong with it, in words; "" while nothing did. */
  trouble(job: Job): string;
  retry(job: Job): void;
  remove(job: Job): void;
  /** The recorder, while it listens or waits for leave. */
  recorder(): Recorder | "asking" | null;
  /** Shows the recorder; null until it was loaded. */
  listening(): FunctionComponent<{ recorder: Recorder }> | null;
  endRecording(how: "send" | "keep" | "discard"): void;
  /** Why there is no voice note, or what became of it. */
  hint(): string;
  explain(hint: string): void;
  dismiss(): void;
  /** For those who listen. */
  said(): string;
  dropping(listener: () => void): void;
}

/** The server forgets an upload that no message took after a day. */
const KEPT = 23 * 3_600_000;
const DRAFT = "files";
/** A note shorter than this was a slip. */
const SHORTEST = 400;

interface Stored {
  id: string;
  at: number;
  media: Attached;
}

export function make(kit: Kit, ui: Ui, tools: Tools): Files {
  const { controller } = ui;
  const texts = fileTexts(ui.lang);
  const watchers = new Set<() => void>();
  /** Ids of what is attached, in order, and of what waits in the outbox. */
  let tray: string[] = [];
  const posted = new Set<string>();
  const voices = new Set<string>();
  let recorder: Recorder | "asking" | null = null;
  let listening: ReturnType<Desk["listening"]> = null;
  let hint = "";
  let said = "";
  let dropping: () => void = () => undefined;
  let token = controller.token();

  const limit = () => controller.state().answer.max_upload ?? 0;
  const size = (bytes: number) => sizeText(bytes, ui.locale);
  const redraw = () => {
    for (const watcher of watchers) watcher();
  };

  const uploads = createUploads({
    limit,
    transient: tools.transient,
    put(job, progress) {
      const { name, duration_ms, peaks } = job.media;
      const query = new URLSearchParams({ name });
      if (voices.has(job.id)) {
        query.set("voice", "1");
        query.set("duration_ms", String(duration_ms));
        query.set("peaks", peaks.join());
      }
      const url = `${ui.around.base}/visitor/v1/widgets/${tools.key}/media?${query}`;
      const put = (bearer: string | null) => putFile(url, bearer, job.file as Blob, progress);
      let call = put(controller.token());
      return {
        // A token that does not hold is dropped with the message; the file need not wait for that.
        answer: call.answer.then((answer) => {
          if (answer.ok || answer.status !== 401) return answer;
          call = put(null);
          return call.answer;
        }),
        abort: () => call.abort(),
      };
    },
    changed(job) {
      if (job.state === "done") {
        if (posted.has(job.id)) controller.edit(job.id, { media: job.media });
        said = texts.ready(job.media.name);
        keep();
      } else if (job.state === "failed") {
        if (posted.has(job.id)) controller.edit(job.id, { state: "failed", refused: job.lasting });
        said = `${job.media.name}: ${desk.trouble(job)}`;
        controller.refresh();
      }
      redraw();
    },
  });

  /** What is uploaded but not sent is offered again after a reload. */
  function keep(): void {
    const done = desk.attached().filter((job) => job.media.key !== null);
    const at = Date.now();
    const list = done.map(({ id, media }): Stored => ({ id, at, media }));
    controller.setDraft(list.length ? JSON.stringify(list) : "", DRAFT);
  }

  function restore(): void {
    let list: Stored[] = [];
    try {
      list = JSON.parse(controller.draft(DRAFT) || "[]");
      for (const { id, at, media } of list) {
        if (typeof media.key !== "string" || !(Date.now() - at < KEPT)) continue;
        uploads.restore(id, media);
        tray.push(id);
      }
    } catch {
      // Anything may stand there.
    }
  }

  function local(file: Blob, name: string, more: Partial<Attached> = {}): Attached {
    return {
      key: null,
      kind: kindOf(file.type),
      state: "stored",
      name,
      content_type: file.type,
      size: file.size,
      width: null,
      height: null,
      duration_ms: null,
      peaks: [],
      url: null,
      thumb_url: null,
      error: null,
      ...more,
    };
  }

  function post(id: string, text: string): void {
    const job = uploads.get(id);
    if (!job) return;
    posted.add(id);
    controller.write(text, job.media, id);
    uploads.retry(id);
  }

  const sendable = () => desk.attached().filter((job) => !job.lasting);

  function forget(id: string): void {
    posted.delete(id);
    voices.delete(id);
    uploads.drop(id);
  }

  /** Follows the outbox: what was stored or thrown away needs no upload any more, what is tried again does. */
  const unwatch = controller.watch(() => {
    const { outbox } = controller.state();
    for (const id of posted) {
      const item = outbox.find((one) => one.clientId === id);
      if (!item) forget(id);
      else if (item.state === "sending") uploads.retry(id);
    }
    const now = controller.token();
    // Another visitor: what this one attached is none of theirs.
    if (token && token !== now) {
      for (const id of tray) forget(id);
      tray = [];
      if (recorder) desk.endRecording("discard");
      redraw();
    }
    token = now;
  });

  const unfinished = () => uploads.all().filter((job) => job.media.key === null && !job.lasting);
  const leaving = (event: BeforeUnloadEvent) => {
    if (unfinished().length || recorder) event.preventDefault();
  };
  // The words of a message whose file does not survive the page are kept.
  const left = () => {
    const { outbox } = controller.state();
    const words = outbox.filter((item) => item.media?.key === null && item.body).map((item) => item.body);
    const draft = controller.draft();
    if (words.length) controller.setDraft([...words, ...(draft ? [draft] : [])].join("\n"));
  };
  const online = () => {
    for (const id of tray) uploads.retry(id);
  };
  window.addEventListener("beforeunload", leaving);
  window.addEventListener("pagehide", left);
  window.addEventListener("online", online);

  function add(list: readonly File[]): void {
    if (!list.length) return;
    for (const file of list) {
      const id = tools.uuid();
      tray.push(id);
      uploads.add(id, file, local(file, file.name || "file"));
    }
    const fine = list.length - desk.attached().filter((job) => job.lasting).length;
    if (fine > 0) said = texts.added(fine);
    controller.refresh();
    redraw();
  }

  async function record(): Promise<void> {
    if (recorder) return;
    recorder = "asking";
    hint = "";
    controller.refresh();
    try {
      const voice = await import("./Voice");
      listening ??= voice.make(desk);
      try {
        const started = await voice.start();
        if (recorder === "asking") recorder = started;
        else started.cancel();
      } catch (fault) {
        recorder = null;
        hint = voice.explain((fault as DOMException).name, ui.lang);
      }
    } catch {
      recorder = null;
      hint = ui.texts.endFailed;
    }
    controller.refresh();
  }

  const desk: Desk = {
    kit,
    ui,
    texts,
    Glyph: makeGlyph(kit),
    size,
    clock: clockText,
    useProgress() {
      const [, draw] = kit.useState(0);
      kit.useEffect(() => {
        const watcher = () => draw((n) => n + 1);
        watchers.add(watcher);
        // Something may have happened between the first drawing and now.
        watcher();
        return () => void watchers.delete(watcher);
      }, []);
    },
    job: (id) => (id === null ? undefined : uploads.get(id)),
    attached: () => tray.map((id) => uploads.get(id)).filter((job) => job !== undefined),
    trouble({ state, code, lasting }) {
      if (state !== "failed") return "";
      if (code === "media.too_large") return texts.tooLarge(size(limit()));
      if (code === "media.empty") return texts.empty;
      if (code === "request.limited") return texts.busy;
      return lasting ? texts.refused : texts.lost;
    },
    retry: (job) => uploads.retry(job.id),
    remove(job) {
      if (posted.has(job.id)) controller.discard(job.id);
      tray = tray.filter((id) => id !== job.id);
      forget(job.id);
      keep();
      controller.refresh();
      redraw();
    },
    recorder: () => recorder,
    listening: () => listening,
    endRecording(how) {
      const running = recorder;
      recorder = null;
      if (running && running !== "asking") {
        if (how === "discard" || running.ms() < SHORTEST) running.cancel();
        else {
          void running.stop().then(({ file, name, ms, peaks }) => {
            const id = tools.uuid();
            voices.add(id);
            const more = { kind: "voice" as const, duration_ms: ms, peaks };
            uploads.add(id, file, local(file, name, more));
            if (how === "keep") tray.push(id);
            else post(id, "");
            controller.refresh();
          });
        }
      }
      controller.refresh();
    },
    hint: () => hint,
    explain(text) {
      hint = text;
    },
    dismiss() {
      hint = "";
      controller.refresh();
    },
    said: () => said,
    dropping(listener) {
      dropping = listener;
    },
  };

  restore();
  ui.dress(css);

  return {
    Tray: makeTray(desk),
    Rich: makeRich(desk),
    pick(input) {
      add([...(input?.files ?? [])]);
      // So that the same file can be chosen again.
      if (input) input.value = "";
    },
    take(event, list) {
      if (event === "dragover") dropping();
      else add(list);
    },
    record: () => void record(),
    recording: () => recorder !== null && recorder !== "asking",
    waiting: () => sendable().length > 0,
    send(text) {
      const jobs = sendable();
      // What can not be sent stays, with the reason.
      tray = tray.filter((id) => !jobs.some((job) => job.id === id));
      keep();
      if (!jobs.length) controller.write(text);
      for (const [i, job] of jobs.entries()) post(job.id, i ? "" : text);
      redraw();
    },
    stop() {
      unwatch();
      if (recorder) desk.endRecording("discard");
      for (const job of uploads.all()) uploads.drop(job.id);
      window.removeEventListener("beforeunload", leaving);
      window.removeEventListener("pagehide", left);
      window.removeEventListener("online", online);
    },
  };
}
