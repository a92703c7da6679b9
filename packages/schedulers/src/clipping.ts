import { type Tensor, weightedSum } from "@latentkit/core";
import { type Fields, flag, positive, real, type Settings } from "./option-fields.js";
import { denoised, type Level, type PredictionType } from "./prediction.js";

/** Clipping of the predicted clean sample, for networks that work on pixels. */
export interface ClippingOptions {
  /** Clamps to ±clipSampleRange. */
  readonly clipSample?: boolean | undefined;
  /** @default 1 */
  readonly clipSampleRange?: number | undefined;
}

/** Dynamic thresholding (Saharia et al. 2022, section 2.3). */
export interface ThresholdingOptions {
  /** Clamps each sample to a quantile of its own magnitudes and divides by it. @default false */
  readonly thresholding?: boolean | undefined;
  /** The quantile. @default 0.995 */
  readonly dynamicThresholdingRatio?: number | undefined;
  /** The largest threshold, also where it lies below the least one, 1. @default 1 */
  readonly sampleMaxValue?: number | undefined;
}

export function clippingFields(clipSample: boolean): Fields<ClippingOptions> {
  return { clipSample: flag(clipSample), clipSampleRange: real(1, 0) };
}

export const thresholdingFields: Fields<ThresholdingOptions> = {
  thresholding: flag(false),
  dynamicThresholdingRatio: real(0.995, 0, 1),
  sampleMaxValue: positive(1),
};

/** Both, as a class has them. */
type Bounds = Partial<Settings<ClippingOptions & ThresholdingOptions>>;

/** x̂₀ from a sample and the network's output, within the bounds that the settings ask for. */
export function predictedSample(
  settings: Bounds & { readonly predictionType: PredictionType },
  sample: Tensor,
  output: Tensor,
  level: Level,
): Tensor {
  const clean = denoised(settings.predictionType, sample, output, level);
  if (!isBounded(settings)) return clean;
  return bounded(clean === output ? weightedSum([[1, output]]) : clean, settings);
}

export function isBounded({ thresholding, clipSample }: Bounds): boolean {
  return thresholding === true || clipSample === true;
}

/**
 * A tensor that nobody else holds yet, within the bounds that the settings ask for; thresholding goes before clipping.
 * In place: one more tensor would cost more than the arithmetic.
 */
export function bounded(fresh: Tensor, settings: Bounds): Tensor {
  const {
    thresholding,
    dynamicThresholdingRatio = 0.995,
    sampleMaxValue = 1,
    clipSample,
    clipSampleRange = 1,
  } = settings;
  if (thresholding) threshold(fresh, dynamicThresholdingRatio, sampleMaxValue);
  else if (clipSample) clamp(fresh.data, clipSampleRange);
  return fresh;
}

/** To ±range. Written without a branch, which on noise would be predicted wrongly half of the time; infinity gives NaN. */
function clamp(values: Float32Array, range: number): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    values[i] = (Math.abs(value + range) - Math.abs(value - range)) / 2;
  }
}

/** Per item of the batch: s = quantile of |x|, at least 1, at most max; then clamp(x, ±s) / s. */
function threshold({ data, shape }: Tensor, ratio: number, max: number): void {
  const size = data.length / shape[0]!;
  for (let at = 0; at < data.length; at += size) {
    const item = data.subarray(at, at + size);
    const limit = Math.min(Math.max(quantile(item.map(Math.abs), ratio), 1), max);
    clamp(item, limit);
    for (let i = 0; i < size; i++) item[i]! /= limit;
  }
}

/** torch.quantile: linear between the neighbours. */
function quantile(values: Float32Array, ratio: number): number {
  const sorted = values.sort();
  const rank = ratio * (sorted.length - 1);
  const low = sorted[Math.floor(rank)]!;
  return low + (sorted[Math.ceil(rank)]! - low) * (rank - Math.floor(rank));
}
