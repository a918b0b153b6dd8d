import { describe, expect, it } from "vitest";
import {
  brandColors,
  contrast,
  INK,
  parseColor,
  type Rgb,
  readableOn,
  WHITE,
} from "../../../shared/contrast";

const rgb = (text: string): Rgb => text.match(/\d+/g)?.map(Number) as unknown as Rgb;

describe("contrast", () => {
  it("knows the two ends", () => {
    expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21);
    expect(contrast([9, 9, 9], [9, 9, 9])).toBe(1);
  });

  it("reads short and long colours and survives nonsense", () => {
    expect(parseColor("#abc")).toEqual([0xaa, 0xbb, 0xcc]);
    expect(parseColor("#4F46e5")).toEqual([79, 70, 229]);
    expect(parseColor("red; background: url(x)")).toEqual([79, 70, 229]);
  });

  it("makes every brand colour readable, as a surface and as text on both themes", () => {
    for (let r = 0; r <= 255; r += 17) {
      for (let g = 0; g <= 255; g += 17) {
        for (let b = 0; b <= 255; b += 51) {
          const hex = `#${[r, g, b].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
          const { brand, brandText, textText } = brandColors(hex);
          expect(contrast(rgb(brandText), rgb(textText)), hex).toBeGreaterThanOrEqual(4.5);
          for (const [surface, towards] of [
            [[242, 243, 246], INK],
            [[39, 42, 51], WHITE],
          ] as const) {
            expect(contrast(readableOn(brand, surface, towards), surface), hex).toBeGreaterThanOrEqual(4.5);
          }
        }
      }
    }
  });

  it("keeps a brand colour that is fine as it is", () => {
    expect(brandColors("#4f46e5").brandText).toBe("rgb(79 70 229)");
    expect(brandColors("#facc15").brandText).toBe("rgb(250 204 21)");
  });
});
