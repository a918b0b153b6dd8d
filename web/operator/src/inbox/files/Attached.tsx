import { Suspense, useState } from "react";
import { asApiError } from "../../api/error.ts";
import { messages } from "../../api/routes.ts";
import type { Media, Message } from "../../api/types.ts";
import { lazily } from "../../app/lazily.tsx";
import { useLive } from "../../app/live-context.ts";
import { Action } from "../../design/Action.tsx";
import { Icon } from "../../design/icons.tsx";
import { toast } from "../../design/toasts.tsx";
import { FileGlyph, glyphOf } from "./glyphs.tsx";
import { holdOf } from "./hold.ts";
import { Player } from "./Player.tsx";
import { ownAddress, useRenewal } from "./renew.ts";
import { sizeText } from "./sizes.ts";
import "./files.css";

const Lightbox = lazily(() => import("./Lightbox.tsx"));

interface Props {
  message: Message;
  media: Media;
}

/** The file of a message, as what it is. */
export default function Attached({ message, media }: Props) {
  const renewal = useRenewal(message, (one) => one.media?.url);
  if (media.state === "fetching") {
    return (
      <div className="file-card fetching" style={holdOf(media)} role="status">
        <span className="file-mark" />
        <span className="file-about">
          <span>Fetching the file…</span>
          <span className="file-facts" dir="auto">
            {media.name}
          </span>
        </span>
      </div>
    );
  }
  if (media.state === "failed") return <NotFetched message={message} media={media} />;
  if (!media.url || renewal.broken) return <NotLoaded media={media} onAgain={renewal.again} />;
  const url = ownAddress(media.url);
  switch (media.kind) {
    case "image":
      // Without a small picture nobody has looked into the original: it is opened by whoever wants to, never unasked.
      if (!media.thumb_url) return <FileCard media={media} url={url} />;
      return <Picture message={message} media={media} onError={renewal.onError} />;
    case "video":
      return (
        // biome-ignore lint/a11y/useMediaCaption: nobody wrote captions for what people send each other
        <video
          className="moving"
          style={holdOf(media)}
          src={url}
          poster={media.thumb_url ? ownAddress(media.thumb_url) : undefined}
          controls
          playsInline
          preload="metadata"
          aria-label={`Video: ${media.name}`}
          onError={renewal.onError}
        />
      );
    case "voice":
    case "audio":
      return <Player media={media} url={url} onError={renewal.onError} />;
    default:
      return <FileCard media={media} url={url} />;
  }
}

function Picture({ message, media, onError }: Props & { onError: () => void }) {
  const [open, setOpen] = useState(false);
  // The small picture of a moving one stands still.
  const moving = media.content_type === "image/gif" && media.size < 3_000_000;
  const url = (moving ? media.url : media.thumb_url) ?? "";
  return (
    <>
      <button
        type="button"
        className="picture"
        style={holdOf(media)}
        onClick={() => setOpen(true)}
        aria-label={`Open the picture ${media.name}`}
      >
        <img src={ownAddress(url)} alt="" loading="lazy" decoding="async" onError={onError} />
      </button>
      {open && (
        <Suspense>
          <Lightbox message={message} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}

/** "PDF", "DOCX": what people know a type by. */
function typeName(media: Media): string {
  if (media.kind === "pdf") return "PDF";
  const end = /\.([a-z0-9]{1,5})$/i.exec(media.name)?.[1];
  return end ? end.toUpperCase() : "File";
}

function FileCard({ media, url }: { media: Media; url: string }) {
  return (
    <div className="file-card" style={holdOf(media)}>
      <span className="file-mark">
        <FileGlyph name={glyphOf(media.content_type)} />
      </span>
      <span className="file-about">
        <span className="file-name" dir="auto" title={media.name}>
          {media.name}
        </span>
        <span className="file-facts">
          {typeName(media)} · {sizeText(media.size)}
        </span>
      </span>
      {(media.kind === "pdf" || media.kind === "image") && (
        <a
          className="button quiet icon-only"
          href={url}
          target="_blank"
          rel="noopener noreferrer"
          aria-label={`Open ${media.name}`}
          title="Open in a new tab"
        >
          <Icon name="external" />
        </a>
      )}
      <a
        className="button quiet icon-only"
        href={url}
        download={media.name}
        aria-label={`Download ${media.name}`}
        title="Download"
      >
        <Icon name="download" />
      </a>
    </div>
  );
}

function NotLoaded({ media, onAgain }: { media: Media; onAgain: () => void }) {
  return (
    <div className="file-card wrong" style={{ minHeight: 56 }}>
      <span className="file-mark">
        <Icon name="alert" />
      </span>
      <span className="file-about">
        <span>The file could not be loaded.</span>
        <span className="file-facts" dir="auto">
          {media.name}
        </span>
      </span>
      <Action small icon="refresh" onPress={onAgain}>
        Retry
      </Action>
    </div>
  );
}

function NotFetched({ message, media }: Props) {
  const live = useLive();
  const [busy, setBusy] = useState(false);
  const again = () => {
    setBusy(true);
    messages
      .again(message, "refetch")
      .then((answer) => live.adoptChanged(message, answer))
      .catch((cause) => toast(asApiError(cause).detail))
      .finally(() => setBusy(false));
  };
  return (
    <div className="file-card wrong">
      <span className="file-mark">
        <Icon name="alert" />
      </span>
      <span className="file-about">
        <span className="file-reason">
          The file could not be fetched{media.error ? `: ${media.error}` : "."}
        </span>
        <span className="file-facts" dir="auto">
          {media.name}
        </span>
      </span>
      <Action small icon="refresh" onPress={again} isDisabled={busy}>
        Retry
      </Action>
    </div>
  );
}
