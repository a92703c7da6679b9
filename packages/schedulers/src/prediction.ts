import { type Tensor, weightedSum } from "@latentkit/core";

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
  const { alpha, sigma } = level;
  switch (kind) {
    case "epsilon":
      return weightedSum([
        [1 / alpha, sample],
        [-sigma / alpha, output],
      ]);
    case "v_prediction": {
      const radius = radiusOf(level);
      return weightedSum([
        [alpha / radius ** 2, sample],
        [-sigma / radius, output],
      ]);
    }
    case "sample":
      return output;
    case "flow_prediction":
      return weightedSum([
        [1, sample],
        [-sigma, output],
      ]);
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
  const { alpha, sigma } = level;
  switch (kind) {
    case "epsilon":
      return output;
    case "v_prediction": {
      const radius = radiusOf(level);
      return weightedSum([
        [alpha / radius, output],
        [sigma / radius ** 2, sample],
      ]);
    }
    case "sample":
    case "flow_prediction":
      return noiseBetween(sample, denoised(kind, sample, output, level), level);
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
