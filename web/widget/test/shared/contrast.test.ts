import { describe, expect, it } from "vitest";
import {
  brandColors,
  contrast,
  formatColor,
  INK,
  parseColor,
  readableOn,
  WHITE,
} from "../../../shared/contrast";

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
          const [brand, text] = brandColors(hex);
          expect(contrast(brand, text), hex).toBeGreaterThanOrEqual(4.5);
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
    expect(formatColor(brandColors("#4f46e5")[0])).toBe("rgb(79,70,229)");
    expect(formatColor(brandColors("#facc15")[0])).toBe("rgb(250,204,21)");
  });
});
