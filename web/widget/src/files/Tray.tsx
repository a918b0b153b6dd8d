import type { FunctionComponent } from "preact";
import { clockText } from "./describe";
import type { Desk } from "./Files";
import { makePreview } from "./Preview";
import type { Job } from "./uploads";

// Above the composer: the attached files, or the recorder in the composer's place.

export function makeTray(desk: Desk): FunctionComponent {
  const { kit, texts, Glyph } = desk;
  const { h, useEffect, useRef } = kit;
  const Preview = makePreview(kit);

  function Tile({ job }: { job: Job }) {
    const { name, size, kind, duration_ms } = job.media;
    const trouble = desk.trouble(job);
    const busy = job.state === "waiting" || job.state === "running";
    const label = kind === "voice" ? `${texts.voice} ${clockText((duration_ms ?? 0) / 1000)}` : name;
    return (
      <li class={trouble ? "tile bad" : "tile"}>
        <span class="face" aria-hidden="true">
          <Glyph name={kind} />
          {kind === "image" && job.file && <Preview file={job.file} wide={40} high={40} />}
        </span>
        <span class="about">
          <bdi class="called">{label}</bdi>
          {busy && <progress aria-label={texts.progress(label)} value={job.loaded} />}
          <span class="note">
            {trouble ||
              (busy
                ? job.loaded === 1
                  ? texts.preparing
                  : `${desk.size(job.loaded * size)} / ${desk.size(size)}`
                : desk.size(size))}
          </span>
        </span>
        {trouble && !job.lasting && (
          <button
            type="button"
            class="tool"
            aria-label={texts.again(label)}
            title={texts.again(label)}
            onClick={() => desk.retry(job)}
          >
            <Glyph name="again" />
          </button>
        )}
        <button
          type="button"
          class="tool"
          aria-label={busy ? texts.cancel(label) : texts.remove(label)}
          title={busy ? texts.cancel(label) : texts.remove(label)}
          onClick={(event) => {
            // The focus goes to the next tile, or into the composer, never nowhere.
            const tile = event.currentTarget.closest("li");
            const next = (tile?.nextElementSibling ?? tile?.previousElementSibling)?.querySelector("button");
            const box = event.currentTarget.closest(".panel")?.querySelector("textarea");
            desk.remove(job);
            (next ?? box)?.focus();
          }}
        >
          <Glyph name="remove" />
        </button>
      </li>
    );
  }

  return function Tray() {
    desk.useProgress();
    const place = useRef<HTMLDivElement>(null);
    const list = useRef<HTMLUListElement>(null);
    const jobs = desk.attached();
    const count = useRef(jobs.length);
    const recorder = desk.recorder();
    const Listening = desk.listening();
    const hint = desk.hint();
    useEffect(() => {
      // The newest is what the visitor wants to see, above all when it can not be sent.
      if (jobs.length > count.current) list.current?.scrollTo(0, list.current.scrollHeight);
      count.current = jobs.length;
    });
    useEffect(() => {
      const panel = place.current?.closest<HTMLElement>(".panel");
      let timer: ReturnType<typeof setTimeout> | undefined;
      const out = () => panel?.removeAttribute("data-drop");
      // Browsers tell that something is over the messenger again and again, but not reliably that it left.
      desk.dropping(() => {
        panel?.setAttribute("data-drop", texts.drop);
        clearTimeout(timer);
        timer = setTimeout(out, 500);
      });
      panel?.addEventListener("drop", out);
      return () => {
        clearTimeout(timer);
        out();
        panel?.removeEventListener("drop", out);
        desk.dropping(() => undefined);
      };
    }, []);
    return (
      <div class="above" ref={place}>
        <p class="sr" role="status">
          {desk.said()}
        </p>
        <div class="hint" role="alert">
          {hint && (
            <p class="notice">
              <span>{hint}</span>
              <button
                type="button"
                class="tool"
                aria-label={texts.dismiss}
                title={texts.dismiss}
                onClick={(event) => {
                  const box = event.currentTarget.closest(".panel")?.querySelector("textarea");
                  desk.dismiss();
                  box?.focus();
                }}
              >
                <Glyph name="remove" />
              </button>
            </p>
          )}
        </div>
        {jobs.length > 0 && (
          <ul ref={list} class="tray" aria-label={texts.attached} tabIndex={jobs.length > 3 ? 0 : undefined}>
            {jobs.map((job) => (
              <Tile key={job.id} job={job} />
            ))}
          </ul>
        )}
        {recorder === "asking" ? (
          <p class="notice" role="status">
            {texts.asking}
          </p>
        ) : (
          recorder && Listening && <Listening recorder={recorder} />
        )}
      </div>
    );
  };
}
