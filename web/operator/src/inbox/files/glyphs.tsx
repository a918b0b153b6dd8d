// Icons of files, drawn as the rest of the set; they are loaded with what shows files.

import { Glyph } from "../../design/icons.tsx";

const PATHS = {
  file: "M5.25 2.75h6.5l3.5 3.5v11H4.75V3.25a.5.5 0 0 1 .5-.5ZM11.5 3v3.5h3.5",
  pdf: "M5.25 2.75h6.5l3.5 3.5v11H4.75V3.25a.5.5 0 0 1 .5-.5ZM11.5 3v3.5h3.5M7.25 10.25h5.5M7.25 13.25h3.5",
  image:
    "M4.25 3.75h11.5a1 1 0 0 1 1 1v10.5a1 1 0 0 1-1 1H4.25a1 1 0 0 1-1-1V4.75a1 1 0 0 1 1-1ZM3.5 14l4-4 3 3 2.5-2.5 3.5 3.5M12.5 7.5h.1",
  video:
    "M4 5.25h7.75a1 1 0 0 1 1 1v7.5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-7.5a1 1 0 0 1 1-1ZM12.75 9l4.25-2.5v7L12.75 11",
  audio:
    "M7.5 14.5V5l8-1.75v9.5M7.5 14.5a2 2 0 1 1-4 0 2 2 0 0 1 4 0ZM15.5 12.75a2 2 0 1 1-4 0 2 2 0 0 1 4 0Z",
  edit: "M4 16l.75-3.5 8.5-8.5 2.75 2.75-8.5 8.5ZM11.5 5.75 14.25 8.5",
} as const;

export type GlyphName = keyof typeof PATHS;

export function FileGlyph({ name, size = 20 }: { name: GlyphName; size?: number }) {
  return <Glyph path={PATHS[name]} size={size} />;
}

export function glyphOf(type: string): GlyphName {
  if (type.startsWith("image/")) return "image";
  if (type.startsWith("video/")) return "video";
  if (type.startsWith("audio/")) return "audio";
  return type === "application/pdf" ? "pdf" : "file";
}
