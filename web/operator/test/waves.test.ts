import { describe, expect, it } from "vitest";
import { holdOf } from "../src/inbox/files/hold.ts";
import { lengthText, sizeText } from "../src/inbox/files/sizes.ts";
import { barsOf, levelOf, peaksOf } from "../src/inbox/files/waves.ts";
import { media } from "./samples.ts";

describe("the peaks of a voice message", () => {
  it("are 64 whole numbers from 0 to 100, the loudest moment being 100", () => {
    const levels = Array.from({ length: 1000 }, (_, n) => Math.abs(Math.sin(n / 50)) * 0.3);
    const peaks = peaksOf(levels);
    expect(peaks).toHaveLength(64);
    expect(Math.max(...peaks)).toBe(100);
    for (const peak of peaks) expect(Number.isInteger(peak) && peak >= 0 && peak <= 100).toBe(true);
  });

  it("show a short loud moment", () => {
    const levels = Array.from({ length: 640 }, () => 0.1);
    levels[325] = 0.8;
    const peaks = peaksOf(levels);
    expect(peaks[32]).toBe(100);
    expect(peaks[31]).toBe(13);
  });

  it("of silence stay low, and of nothing are none", () => {
    expect(Math.max(...peaksOf([0.001, 0.002, 0.001]))).toBeLessThanOrEqual(10);
    expect(peaksOf([0, 0])).toEqual([0, 0]);
    expect(peaksOf([])).toEqual([]);
    expect(peaksOf([Number.NaN, -1, 0.5])).toEqual([0, 0, 100]);
  });

  it("are no more than there were moments", () => {
    expect(peaksOf([0.5, 0.25])).toEqual([100, 50]);
  });
});

describe("the level of a moment", () => {
  it("is 0 for silence and at most 1", () => {
    expect(levelOf(new Uint8Array(64).fill(128))).toBe(0);
    expect(levelOf(new Uint8Array(64).map((_, n) => (n % 2 ? 255 : 0)))).toBe(1);
    expect(levelOf(new Uint8Array(0))).toBe(0);
  });
});

describe("the bars of a waveform", () => {
  it("stand within their box", () => {
    expect(barsOf([100, 0], 20, 30)).toBe("M5.0 1.5V28.5M15.0 14.5V15.5");
    expect(barsOf([], 20, 30)).toBe("");
    expect(barsOf([900, -4], 20, 30)).toBe(barsOf([100, 0], 20, 30));
  });
});

describe("sizes and lengths", () => {
  it("are said as people say them", () => {
    expect([0, 812, 1000, 1434, 25 * 1024 * 1024, 26_000_000].map(sizeText)).toEqual([
      "0 B",
      "812 B",
      "1 kB",
      "1.4 kB",
      "25 MB",
      "25 MB",
    ]);
    expect([0, 7400, 61_000, 3_723_000].map(lengthText)).toEqual(["0:00", "0:07", "1:01", "1:02:03"]);
  });
});

describe("the place of a file", () => {
  it("has the picture's shape and fits the thread", () => {
    const shown = { thumb_url: "https://chat.example/media/k/a.png?v=thumb" };
    expect(holdOf(media({ ...shown, width: 800, height: 600 }))).toEqual({
      width: 320,
      aspectRatio: "800 / 600",
    });
    expect(holdOf(media({ ...shown, width: 300, height: 700 }))).toEqual({
      width: 120,
      aspectRatio: "300 / 700",
    });
    expect(holdOf(media({ ...shown, width: 20, height: 10 })).width).toBe(72);
  });

  it("is that of a card for a picture without a small one", () => {
    expect(holdOf(media({ width: 800, height: 600 }))).toEqual({ width: 288, minHeight: 56 });
  });

  it("is that of a card until the picture is there", () => {
    expect(holdOf(media({ state: "fetching", width: null, height: null }))).toEqual({
      width: 288,
      minHeight: 56,
    });
  });
});
