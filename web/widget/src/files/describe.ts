import type { Media } from "../wire";

// What can be said of a file without showing it.

/** How a file looks until the server has looked inside. */
export function kindOf(type: string): Media["kind"] {
  if (type === "application/pdf") return "pdf";
  const [group, form] = type.split("/");
  if (group === "image" && !form?.startsWith("svg")) return "image";
  return group === "audio" || group === "video" ? group : "file";
}

const UNITS = ["B", "kB", "MB", "GB"];

/** A size as people write it, in steps of 1024 like the limits of the server. */
export function sizeText(bytes: number, locale: string): string {
  const step = bytes < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  const digits = step < 2 || value >= 10 ? 0 : 1;
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)} ${UNITS[step]}`;
}

/** 65 → "1:05". */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Only addresses that can not run anything; one without a host is on the server, not on the page's site. */
export function webAddress(url: string | null | undefined, base: string): string | null {
  if (!url) return null;
  if (/^https?:\/\//i.test(url)) return url;
  return /^\/[^/\\]/.test(url) ? base + url : null;
}

/** The largest size within the frame that keeps the shape; never larger than it is. */
export function within(width: number, height: number, wide: number, high: number): [number, number] {
  const scale = Math.min(1, wide / width, high / height);
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}
