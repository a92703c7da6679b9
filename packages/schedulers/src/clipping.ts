import { type Tensor, tensor } from "@latentkit/core";
import { type Fields, flag, positive, real, type Settings } from "./option-fields.js";

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

/** Clamps every value to ±range. */
export function clipped(value: Tensor, range: number): Tensor {
  // a plain loop: TypedArray.map takes five times as long
  const out = new Float32Array(value.data.length);
  for (let i = 0; i < out.length; i++) out[i] = Math.min(Math.max(value.data[i]!, -range), range);
  return tensor(out, value.shape);
}

/** Applies what the settings ask for; thresholding goes before clipping. */
export function bounded(value: Tensor, settings: Partial<Settings<ClippingOptions & ThresholdingOptions>>): Tensor {
  const {
    thresholding,
    dynamicThresholdingRatio = 0.995,
    sampleMaxValue = 1,
    clipSample,
    clipSampleRange = 1,
  } = settings;
  if (thresholding) return thresholded(value, dynamicThresholdingRatio, sampleMaxValue);
  return clipSample ? clipped(value, clipSampleRange) : value;
}

/** Per item of the batch: s = quantile of |x|, at least 1, at most max; then clamp(x, ±s) / s. */
export function thresholded(value: Tensor, ratio: number, max: number): Tensor {
  const out = value.data.slice();
  const size = out.length / value.shape[0]!;
  for (let at = 0; at < out.length; at += size) {
    const item = out.subarray(at, at + size);
    const threshold = Math.min(Math.max(quantile(item.map(Math.abs), ratio), 1), max);
    for (let i = 0; i < size; i++) item[i] = Math.min(Math.max(item[i]!, -threshold), threshold) / threshold;
  }
  return tensor(out, value.shape);
}

/** torch.quantile: linear between the neighbours. */
function quantile(values: Float32Array, ratio: number): number {
  const sorted = values.sort();
  const rank = ratio * (sorted.length - 1);
  const low = sorted[Math.floor(rank)]!;
  return low + (sorted[Math.ceil(rank)]! - low) * (rank - Math.floor(rank));
}
