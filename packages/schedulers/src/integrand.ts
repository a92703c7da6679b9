import type { Tensor } from "@latentkit/core";
import { predictedSample, type ThresholdingOptions } from "./clipping.js";
import type { Settings } from "./option-fields.js";
import { type Level, noiseBetween, type PredictionType, predictedNoise } from "./prediction.js";

/** What an exponential integrator integrates: the predicted sample or the predicted noise. */
export type IntegrandKind = "clean" | "noise";

/** The predicted sample, and what is integrated of a network's output. */
export interface Integrand {
  readonly clean: Tensor;
  readonly integrand: Tensor;
}

/** Thresholding bounds the sample, and the noise follows it. */
export function integrandOf(
  kind: IntegrandKind,
  settings: Settings<ThresholdingOptions> & { readonly predictionType: PredictionType },
  sample: Tensor,
  output: Tensor,
  level: Level,
): Integrand {
  const { predictionType, thresholding } = settings;
  const clean = predictedSample(settings, sample, output, level);
  if (kind === "clean") return { clean, integrand: clean };
  const noise = thresholding
    ? noiseBetween(sample, clean, level)
    : predictedNoise(predictionType, sample, output, level);
  return { clean, integrand: noise };
}
