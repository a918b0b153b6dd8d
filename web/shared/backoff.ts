/** Waiting time before the n-th try (0 = the first retry): doubling, capped, with jitter so that clients spread out. */
export function backoff(attempt: number, floor = 500, ceiling = 15_000, random = Math.random): number {
  const full = Math.min(ceiling, floor * 2 ** Math.min(attempt, 20));
  return Math.round(full / 2 + (random() * full) / 2);
}
