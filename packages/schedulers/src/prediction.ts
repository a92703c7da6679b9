import { type Tensor, type Term, weightedSum } from "@latentkit/core";

/** What the network was trained to return: ε; v (Salimans & Ho 2022, appendix D); x₀; ε − x₀. */
export type PredictionType = "epsilon" | "v_prediction" | "sample" | "flow_prediction";

/** A noisy sample is alpha · x₀ + sigma · ε. */
export interface Level {
  readonly alpha: number;
  readonly sigma: number;
}

/** The variance-preserving level of a cumulated ᾱ. */
export function levelOf(alphaBar: number): Level {
  return { alpha: Math.sqrt(alphaBar), sigma: Math.sqrt(1 - alphaBar) };
}

/** x̂₀ from a sample and the network's output; v is defined on the sample scaled to unit variance. */
export function denoised(kind: PredictionType, sample: Tensor, output: Tensor, level: Level): Tensor {
  return kind === "sample" ? output : weightedSum(denoisedTerms(kind, sample, output, level));
}

/** The same times a factor, as terms of a sum: a tensor in between would cost more than the sum itself. */
export function denoisedTerms(
  kind: PredictionType,
  sample: Tensor,
  output: Tensor,
  level: Level,
  factor = 1,
): readonly Term[] {
  const { alpha, sigma } = level;
  switch (kind) {
    case "epsilon":
      return [
        [factor / alpha, sample],
        [(-factor * sigma) / alpha, output],
      ];
    case "v_prediction": {
      const radius = radiusOf(level);
      return [
        [(factor * alpha) / radius ** 2, sample],
        [(-factor * sigma) / radius, output],
      ];
    }
    case "sample":
      return [[factor, output]];
    case "flow_prediction":
      return [
        [factor, sample],
        [-factor * sigma, output],
      ];
    default:
      kind satisfies never;
      throw new RangeError(`predictionType: unknown ${String(kind)}`);
  }
}

/** What scales a sample to unit variance where the signal is not scaled down; Diffusers leaves flow levels as they are. */
function radiusOf({ alpha, sigma }: Level): number {
  return alpha === 1 ? Math.hypot(alpha, sigma) : 1;
}

/** ε̂ from a sample and the network's output. */
export function predictedNoise(kind: PredictionType, sample: Tensor, output: Tensor, level: Level): Tensor {
  return kind === "epsilon" ? output : weightedSum(noiseTerms(kind, sample, output, level));
}

/** The same times a factor, as terms of a sum. */
export function noiseTerms(
  kind: PredictionType,
  sample: Tensor,
  output: Tensor,
  level: Level,
  factor = 1,
): readonly Term[] {
  const { alpha, sigma } = level;
  switch (kind) {
    case "epsilon":
      return [[factor, output]];
    case "v_prediction": {
      const radius = radiusOf(level);
      return [
        [(factor * alpha) / radius, output],
        [(factor * sigma) / radius ** 2, sample],
      ];
    }
    case "sample":
    case "flow_prediction":
      return [[factor / sigma, sample], ...denoisedTerms(kind, sample, output, level, (-factor * alpha) / sigma)];
    default:
      kind satisfies never;
      throw new RangeError(`predictionType: unknown ${String(kind)}`);
  }
}

/** The noise that leads from a clean sample to a noisy one: (x − alpha · x₀) / sigma. */
export function noiseBetween(sample: Tensor, clean: Tensor, { alpha, sigma }: Level): Tensor {
  return weightedSum([
    [1 / sigma, sample],
    [-alpha / sigma, clean],
  ]);
}
