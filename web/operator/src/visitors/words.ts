import { seconds } from "../app/clock.ts";
import { placeName } from "../inbox/place.ts";
import type { Visitor } from "./api.ts";

export function pagesText(pages: number): string {
  return pages === 1 ? "1 page" : `${pages} pages`;
}

/** How long somebody had been on the site when the list was told. */
export function stayed({ started_at }: Pick<Visitor, "started_at">, at: number): string {
  return seconds(Math.max(0, (at - Date.parse(started_at)) / 1000));
}

/** "Malmö, Sweden · Firefox on Linux · 3rd visit": what is known of somebody, in a line. */
export function aboutVisitor(visitor: Visitor): string {
  const { browser, os, visits } = visitor;
  const program = browser && os ? `${browser} on ${os}` : browser || os;
  return [placeName(visitor), program, visits > 1 ? `${ordinal(visits)} visit` : "First visit"]
    .filter(Boolean)
    .join(" · ");
}

export function ordinal(n: number): string {
  const last = n % 100 >= 11 && n % 100 <= 13 ? 0 : n % 10;
  return `${n}${["th", "st", "nd", "rd"][last] ?? "th"}`;
}

/** An address that may stand in a link: what a page says of itself can be anything. */
export function webAddress(text: string): string | null {
  return /^https?:\/\//i.test(text) ? text : null;
}

/** The part of an address that tells pages apart. */
export function shortAddress(text: string): string {
  try {
    const { host, pathname, search } = new URL(text);
    return host + (pathname === "/" ? "" : pathname) + search;
  } catch {
    return text;
  }
}
