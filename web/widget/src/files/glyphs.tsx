import type { Kit } from "../ui/Later";

// The signs of this part, on the same grid as the messenger's.

const PATHS = {
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9v.01",
  audio:
    "M9 18V6l10-2v12M9 18a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0M19 16a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0",
  voice: "M9 7a3 3 0 0 1 6 0v5a3 3 0 0 1-6 0zM6 12a6 6 0 0 0 12 0M12 18v3",
  video: "M4 6h11v12H4zM15 10.500l5-3v9l-5-3",
  pdf: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h4",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  remove: "M6 6l12 12M18 6 6 18",
  again: "M19 12a7 7 0 1 1-2-4.900M19 4v4h-4",
  bin: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.500 11v5M13.500 11v5",
  up: "M12 19V5M5.5 11.5 12 5l6.500 6.500",
  play: "M8 5.500v13l11-6.500z",
  pause: "M8 5.500v13M16 5.500v13",
  out: "M14 5h5v5M19 5l-8 8M10 6H5v13h13v-5",
} as const;

export function makeGlyph({ h }: Kit) {
  return ({ name }: { name: keyof typeof PATHS }) => (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
