import type { CSSProperties } from "react";
import type { LinkCard, Media } from "../../api/types.ts";

const WIDEST = 320;
const HIGHEST = 280;

/** The place a file takes in the thread, known before anything of it is loaded: lines must not jump. */
export function holdOf(media: Media): CSSProperties {
  const seen =
    media.state === "stored" && (media.kind === "video" || (media.kind === "image" && media.thumb_url));
  if (!seen) return { width: 288, minHeight: 56 };
  const width = media.width || 320;
  const height = media.height || 200;
  // Small pictures are not blown up; a button needs something to hit, though.
  const scale = Math.min(1, WIDEST / width, HIGHEST / height);
  return { width: Math.max(72, Math.round(width * scale)), aspectRatio: `${width} / ${height}` };
}

/** A page that says no more than its name gets a line, not a card. */
export function isThin(card: LinkCard): boolean {
  return !card.image_url && !card.description;
}
