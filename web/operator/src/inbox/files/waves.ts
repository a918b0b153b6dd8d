/** How many values the waveform of a voice message has. */
export const PEAKS = 64;

/**
 * Makes as many peaks as a voice message carries out of levels measured while it was recorded, 0 to 1 each. Loudness
 * is relative: the loudest moment is 100, so that a quiet voice shows its shape, too.
 */
export function peaksOf(levels: number[], count = PEAKS): number[] {
  if (levels.length === 0) return [];
  const wanted = Math.min(count, levels.length);
  const peaks = Array.from({ length: wanted }, (_, index) => {
    const from = Math.floor((index * levels.length) / wanted);
    const to = Math.max(from + 1, Math.floor(((index + 1) * levels.length) / wanted));
    return Math.max(
      ...levels.slice(from, to).map((level) => (Number.isFinite(level) ? Math.max(0, level) : 0)),
    );
  });
  // Silence stays silence: noise is not blown up.
  const loudest = Math.max(0.02, ...peaks);
  return peaks.map((peak) => Math.min(100, Math.round((peak / loudest) * 100)));
}

/** The loudness of a moment, 0 to 1, from samples as an analyser gives them (128 is silence). */
export function levelOf(samples: Uint8Array): number {
  let sum = 0;
  for (const sample of samples) sum += ((sample - 128) / 128) ** 2;
  return samples.length > 0 ? Math.min(1, Math.sqrt(sum / samples.length) * 2) : 0;
}

/** The bars of a waveform as one line, in a box of the given size; a bar is never shorter than a dot. */
export function barsOf(peaks: number[], width: number, height: number): string {
  const step = width / Math.max(1, peaks.length);
  return peaks
    .map((peak, index) => {
      const x = (index + 0.5) * step;
      const half = Math.max(0.5, (Math.min(100, Math.max(0, peak)) / 100) * (height / 2 - 1.5));
      return `M${x.toFixed(1)} ${(height / 2 - half).toFixed(1)}V${(height / 2 + half).toFixed(1)}`;
    })
    .join("");
}
