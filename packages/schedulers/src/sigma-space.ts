import { type Tensor, type Term, weightedSum } from "@latentkit/core";
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

/** dx/dσ of the probability-flow ODE: (x − x₀) / σ. */
export function slopeAt(sample: Tensor, clean: Tensor, sigma: number): Tensor {
  return weightedSum(slopeTerms(sample, clean, sigma, 1));
}

/** The same times a factor, as terms of a sum. */
export function slopeTerms(sample: Tensor, clean: Tensor, sigma: number, factor: number): readonly Term[] {
  return [
    [factor / sigma, sample],
    [-factor / sigma, clean],
  ];
}

/** An ancestral step: where its deterministic part ends, and the deviation of the fresh noise that leads back up. */
export interface AncestralStep {
  readonly down: number;
  readonly up: number;
}

/**
 * σ_up = σ_to √(σ_from² − σ_to²) / σ_from and σ_down = √(σ_to² − σ_up²) (k-diffusion), rounded wherever Diffusers rounds:
 * timesteps hang on it.
 */
export function ancestralStep(from: number, to: number): AncestralStep {
  const { fround, sqrt } = Math;
  const [high, low] = [fround(from ** 2), fround(to ** 2)];
  const up = fround(sqrt(fround(fround(low * fround(high - low)) / high)));
  const rest = fround(low - fround(up ** 2));
  // of a long step float32 leaves nothing; the same number is σ_to² / σ_from
  return { down: rest > 0 ? fround(sqrt(rest)) : low / from, up };
}
