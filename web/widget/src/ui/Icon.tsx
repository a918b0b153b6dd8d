import { h } from "preact";

// One set: 24 px grid, round strokes.

const PATHS = {
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  account: "M5 20a7 7 0 0 1 14 0M16 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0",
  close: "M6 6l12 12M18 6 6 18",
  back: "M15 5l-7 7 7 7",
  send: "M12 19V5M5.5 11.5 12 5l6.5 6.5",
  check: "m5 12.5 4.5 4.5L19 7.5",
  checks: "m2 12.5 4.5 4.5 9.5-9.5M12 16.5l.5.5 9.5-9.5",
  clock: "M12 7.5V12l3 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0",
  alert: "M12 8v5m0 3.5v.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0",
  done: "m8 12.5 2.7 2.7L16 9.8M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0",
  down: "M12 5v14M5.5 12.5 12 19l6.5-6.5",
  pen: "M12 5v14M5 12h14",
  clip: "m20 11.5-8.4 8.4a5 5 0 0 1-7-7L13 4.5a3.3 3.3 0 0 1 4.7 4.7L9.5 17.5a1.6 1.6 0 0 1-2.4-2.3l7.4-7.4",
  mic: "M9 7a3 3 0 0 1 6 0v5a3 3 0 0 1-6 0zM6 12a6 6 0 0 0 12 0M12 18v3",
  move: "M14 5h5v5M19 5l-8 8M10 6H5v13h13v-5",
  line: "M3 8.5a13 13 0 0 1 18 0M6.5 12.3a8 8 0 0 1 11 0M10 16a3 3 0 0 1 4 0M12 19.5v.01",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, label }: { name: IconName; label?: string }) {
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: named by aria-label, or hidden
    <svg
      class={`icon i-${name}`}
      viewBox="0 0 24 24"
      {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" })}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

export interface ToolProps {
  icon: IconName;
  label: string;
  onClick: () => void;
  expanded?: boolean;
}

export const Tool = ({ icon, label, onClick, expanded }: ToolProps) => (
  <button
    type="button"
    class="tool"
    aria-label={label}
    title={label}
    aria-expanded={expanded}
    onClick={onClick}
  >
    <Icon name={icon} />
  </button>
);
