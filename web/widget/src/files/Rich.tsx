import type { LinkCard, Media } from "../wire";
import { clockText, webAddress, within } from "./describe";
import type { Desk, Files } from "./Files";
import { makePlayer } from "./Player";
import { makePreview } from "./Preview";
import type { Job } from "./uploads";

// Messages that are more than words: files, link cards, what was edited or deleted.

/** The frame of a picture in the thread. */
const WIDE = 240;
const HIGH = 280;

export function makeRich(desk: Desk): Files["Rich"] {
  const { kit, texts, ui, Glyph } = desk;
  const { h, useEffect, useRef, useState } = kit;
  const Preview = makePreview(kit);
  const Player = makePlayer(desk);
  const address = (url: string | null | undefined) => webAddress(url, ui.around.base);

  /** The room a picture takes before it is there, so that nothing jumps. */
  const room = ({ width, height }: Media) => {
    const [w, t] = width && height ? within(width, height, WIDE, HIGH) : [WIDE, 160];
    return { width: `${Math.max(48, w)}px`, aspectRatio: `${w} / ${t}` };
  };

  function Card({ media, note }: { media: Media; note?: string }) {
    const url = address(media.url);
    const about = (
      <span class="about">
        <bdi class="called">
          {media.kind === "voice" ? texts.voice : media.name || texts.kinds[media.kind]}
        </bdi>
        <span class="note">
          {note ??
            [texts.kinds[media.kind], media.size ? desk.size(media.size) : ""].filter(Boolean).join(" · ")}
        </span>
      </span>
    );
    const face = (
      <span class="face">
        <Glyph name={media.kind} />
      </span>
    );
    return url ? (
      <a class="card" href={url} target="_blank" rel="noopener noreferrer">
        {face}
        {about}
      </a>
    ) : (
      <div class="card">
        {face}
        {about}
      </div>
    );
  }

  function Viewer({ media, url, close }: { media: Media; url: string; close(): void }) {
    const box = useRef<HTMLDialogElement>(null);
    useEffect(() => {
      const { current } = box;
      current?.showModal();
      // Closing gives the focus back to what opened it.
      return () => current?.close();
    }, []);
    return (
      <dialog
        ref={box}
        class="viewer"
        aria-label={media.name}
        onClose={close}
        onClick={({ target }) => {
          if (!(target as Element).closest("button, a, img")) box.current?.close();
        }}
        onKeyDown={(event) => {
          // Escape closes the picture, not the messenger.
          event.stopPropagation();
        }}
      >
        <div class="bar">
          <bdi class="called">{media.name}</bdi>
          <a
            class="tool"
            href={url}
            target="_blank"
            rel="noopener noreferrer"
            aria-label={texts.open}
            title={texts.open}
          >
            <Glyph name="out" />
          </a>
          <button
            type="button"
            class="tool"
            aria-label={texts.close}
            title={texts.close}
            onClick={() => box.current?.close()}
          >
            <Glyph name="remove" />
          </button>
        </div>
        <img src={url} alt={media.name} />
      </dialog>
    );
  }

  function Picture({ media, url, broken }: { media: Media; url: string; broken(): void }) {
    const [open, show] = useState(false);
    return (
      <div class="shown">
        <button
          type="button"
          class="picture"
          aria-label={texts.view(media.name)}
          style={room(media)}
          onClick={() => show(true)}
        >
          <img src={address(media.thumb_url) ?? ""} alt="" decoding="async" onError={broken} />
        </button>
        {open && <Viewer media={media} url={url} close={() => show(false)} />}
      </div>
    );
  }

  function File({ media }: { media: Media }) {
    const url = address(media.url);
    const [lost, lose] = useState<string | null>(null);
    if (media.state === "fetching") return <Card media={media} note={texts.fetching} />;
    if (media.state === "failed" || !url) return <Card media={media} note={texts.failed} />;
    // Loading did not work: the address has ended, or the page's policy forbids it. The card opens it elsewhere.
    if (lost === url) return <Card media={media} note={texts.failed} />;
    const broken = () => lose(url);
    switch (media.kind) {
      case "image":
        // Without a small picture nobody has looked into the original: it is opened by whoever wants to, never unasked.
        if (!media.thumb_url) return <Card media={media} />;
        return <Picture media={media} url={url} broken={broken} />;
      case "voice":
      case "audio":
        return <Player media={media} url={url} broken={broken} />;
      case "video":
        return (
          // biome-ignore lint/a11y/useMediaCaption: what somebody sent has none
          <video
            class="picture"
            src={url}
            poster={address(media.thumb_url) ?? undefined}
            controls
            playsInline
            preload="metadata"
            aria-label={media.name}
            style={room(media)}
            onError={broken}
          />
        );
      default:
        return <Card media={media} />;
    }
  }

  /** A file that is on its way: it can still be called back. */
  function Going({ job, media }: { job: Job; media: Media }) {
    desk.useProgress();
    const label = media.kind === "voice" ? texts.voice : media.name;
    const busy = job.state !== "failed" && job.state !== "done";
    return (
      <div class="card going">
        {media.kind === "image" && job.file ? (
          <span class="whole" aria-hidden="true">
            <Preview file={job.file} wide={208} high={200} whole />
          </span>
        ) : (
          <span class="face">
            <Glyph name={media.kind} />
          </span>
        )}
        <span class="about">
          <bdi class="called">{label}</bdi>
          {busy && <progress aria-label={texts.progress(label)} value={job.loaded} />}
          <span class="note">
            {desk.trouble(job) ||
              [media.duration_ms ? clockText(media.duration_ms / 1000) : "", desk.size(media.size)]
                .filter(Boolean)
                .join(" · ")}
          </span>
        </span>
        {busy && (
          <button
            type="button"
            class="tool"
            aria-label={texts.cancel(label)}
            title={texts.cancel(label)}
            onClick={(event) => {
              const box = event.currentTarget.closest(".panel")?.querySelector("textarea");
              desk.remove(job);
              box?.focus();
            }}
          >
            <Glyph name="remove" />
          </button>
        )}
      </div>
    );
  }

  function Linked({ link }: { link: LinkCard }) {
    const url = address(link.url);
    const image = address(link.image_url);
    const [broken, breaks] = useState(false);
    if (!url) return null;
    return (
      <a class="card linked" href={url} target="_blank" rel="noopener noreferrer nofollow" dir="auto">
        {image && !broken && <img src={image} alt="" decoding="async" onError={() => breaks(true)} />}
        <span class="about">
          <span class="note">{link.site}</span>
          <span class="called">{link.title || link.site || link.url}</span>
          {link.description && <span class="more">{link.description}</span>}
        </span>
      </a>
    );
  }

  return function Rich({ row, rich, text }) {
    const { media, link, edited_at: edited, deleted_at: deleted } = rich;
    if (deleted) return <div class="text gone">{ui.texts.deleted}</div>;
    // Waiting in the outbox, its upload is the place to look.
    const job = row.number === null ? desk.job(row.clientId) : undefined;
    return (
      <div class="rich">
        {media && (job && !media.url ? <Going job={job} media={media} /> : <File media={media} />)}
        {text}
        {link && <Linked link={link} />}
        {edited && <span class="edited">{texts.edited}</span>}
      </div>
    );
  };
}
