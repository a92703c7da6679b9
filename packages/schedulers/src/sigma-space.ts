import type { TimestepSpacing } from "./spacing.js";

/** The deviation a run starts from: the highest level, which "leading" adds to a signal of unit variance. */
export function initialSigma(sigmas: readonly number[], spacing: TimestepSpacing): number {
  const max = Math.max(...sigmas);
  return spacing === "leading" ? Math.fround(Math.sqrt(max ** 2 + 1)) : max;
}

/** Scales x₀ + σ · ε to unit variance. */
export function unitVarianceScale(sigma: number): number {
  return 1 / Math.sqrt(sigma ** 2 + 1);
}
