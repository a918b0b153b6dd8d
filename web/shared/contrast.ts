// Readable colours for any brand colour (WCAG 2 contrast).

export type Rgb = readonly [number, number, number];

export const WHITE: Rgb = [255, 255, 255];
export const INK: Rgb = [20, 22, 28];
const FALLBACK: Rgb = [79, 70, 229];
const ENOUGH = 4.5;

/** Reads #rgb and #rrggbb; anything else gives the fallback colour. */
export function parseColor(text: string): Rgb {
  const found = /^#(([0-9a-f]{3}){1,2})$/i.exec(text)?.[1];
  if (!found) return FALLBACK;
  const value = Number(`0x${found.length < 6 ? found.replace(/./g, "$&$&") : found}`);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export const formatColor = (color: Rgb): string => `rgb(${color})`;

function luminance(color: Rgb): number {
  const linear = (part: number) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(color[0]) + 0.7152 * linear(color[1]) + 0.0722 * linear(color[2]);
}

export function contrast(a: Rgb, b: Rgb): number {
  const ratio = (luminance(a) + 0.05) / (luminance(b) + 0.05);
  return ratio < 1 ? 1 / ratio : ratio;
}

export const mix = (from: Rgb, to: Rgb, share: number): Rgb =>
  from.map((part, i) => Math.round(part + ((to[i] as number) - part) * share)) as unknown as Rgb;

/** The nearest shade of `color`, moved towards `towards`, that reaches the contrast on `surface`. */
export function readableOn(color: Rgb, surface: Rgb, towards: Rgb, wanted = ENOUGH): Rgb {
  for (let step = 0; step < 50; step++) {
    const shade = mix(color, towards, step / 50);
    if (contrast(shade, surface) >= wanted) return shade;
  }
  return towards;
}

/**
 * A surface in the brand colour and the text that is readable on it. A middling brand colour (white reaches
 * 3:1 but not 4.5:1) is darkened a little, because white on the brand is what people expect; a really light
 * one keeps its colour and gets dark text instead.
 */
export function brandColors(color: string): readonly [brand: Rgb, text: Rgb] {
  const given = parseColor(color);
  const [text, away] = contrast(given, WHITE) < 3 ? [INK, WHITE] : [WHITE, INK];
  return [readableOn(given, text, away), text];
}
