import { type Tensor, tensor } from "@latentkit/core";
import type { Warning } from "@latentkit/models";
import { checkFinite } from "./option-checks.js";

/** Height and width, or top and left, in pixels. */
export type Pair = readonly [number, number];

/** What SDXL was told of its training pictures (Podell et al. 2023, §2.2). Heights come first, as in Diffusers. */
export interface MicroConditioningOptions {
  /** `[height, width]` of the picture before it was scaled for training; small sizes give blurred pictures. @default the run's size */
  readonly originalSize?: Pair;
  /** `[top, left]` of the cut; other values give pictures that are cut off there. @default [0, 0] */
  readonly cropsCoordsTopLeft?: Pair;
  /** `[height, width]` that the picture is for. @default the run's size */
  readonly targetSize?: Pair;
  /** The same for what to steer away from. @default `originalSize` */
  readonly negativeOriginalSize?: Pair;
  /** The same for what to steer away from. @default as in Diffusers: [0, 0] beside other negative sizes, `cropsCoordsTopLeft` without */
  readonly negativeCropsCoordsTopLeft?: Pair;
  /** The same for what to steer away from. @default `targetSize` */
  readonly negativeTargetSize?: Pair;
}

/** The refiner was told how pleasing its pictures are in place of their size. */
export interface AestheticOptions {
  /** From about 2 to 7. @default 6 */
  readonly aestheticScore?: number;
  /** The same for what to steer away from. @default 2.5 */
  readonly negativeAestheticScore?: number;
}

/** Numbers for SDXL's UNet: of the picture to make, and of what to steer away from. */
export interface TimeIds {
  readonly positive: readonly number[];
  readonly negative: readonly number[];
}

const PAIRS = [
  "originalSize",
  "cropsCoordsTopLeft",
  "targetSize",
  "negativeOriginalSize",
  "negativeCropsCoordsTopLeft",
  "negativeTargetSize",
] as const;

/** @throws TypeError or RangeError unless every size and corner is a pair of numbers. */
export function checkMicroConditioning(options: MicroConditioningOptions & AestheticOptions): void {
  for (const name of PAIRS) {
    const pair: unknown = options[name];
    if (pair === undefined) continue;
    if (!Array.isArray(pair) || pair.length !== 2)
      throw new TypeError(
        `${name}: expected two numbers, ${name.includes("Crops") || name.startsWith("crops") ? "[top, left]" : "[height, width]"}, got ${JSON.stringify(pair)}`,
      );
    for (const value of pair) checkFinite(name, value);
  }
  checkFinite("aestheticScore", options.aestheticScore ?? 6);
  checkFinite("negativeAestheticScore", options.negativeAestheticScore ?? 2.5);
}

/** Six numbers for text to image: the negative ones count when both sizes are given (Diffusers' `StableDiffusionXLPipeline`). */
export function timeIds(options: MicroConditioningOptions, size: Pair): TimeIds {
  const { originalSize = size, cropsCoordsTopLeft = [0, 0], targetSize = size } = options;
  const { negativeOriginalSize, negativeCropsCoordsTopLeft = [0, 0], negativeTargetSize } = options;
  const positive = [...originalSize, ...cropsCoordsTopLeft, ...targetSize];
  if (!negativeOriginalSize || !negativeTargetSize) return { positive, negative: positive };
  return { positive, negative: [...negativeOriginalSize, ...negativeCropsCoordsTopLeft, ...negativeTargetSize] };
}

/** Six numbers for image to image: each negative one stands for itself (Diffusers' `StableDiffusionXLImg2ImgPipeline`). */
export function imageTimeIds(options: MicroConditioningOptions, size: Pair): TimeIds {
  const { originalSize = size, cropsCoordsTopLeft = [0, 0], targetSize = size } = options;
  const { negativeOriginalSize = originalSize, negativeTargetSize = targetSize } = options;
  const { negativeCropsCoordsTopLeft = cropsCoordsTopLeft } = options;
  return {
    positive: [...originalSize, ...cropsCoordsTopLeft, ...targetSize],
    negative: [...negativeOriginalSize, ...negativeCropsCoordsTopLeft, ...negativeTargetSize],
  };
}

/** Five numbers for the refiner. */
export function aestheticTimeIds(options: MicroConditioningOptions & AestheticOptions, size: Pair): TimeIds {
  const {
    originalSize = size,
    cropsCoordsTopLeft = [0, 0],
    aestheticScore = 6,
    negativeAestheticScore = 2.5,
  } = options;
  const { negativeOriginalSize = originalSize, negativeCropsCoordsTopLeft = [0, 0] } = options;
  return {
    positive: [...originalSize, ...cropsCoordsTopLeft, aestheticScore],
    negative: [...negativeOriginalSize, ...negativeCropsCoordsTopLeft, negativeAestheticScore],
  };
}

/** A row for each picture, `[images, ids]`, or those to steer away from first, `[2 · images, ids]`. */
export function timeIdRows({ positive, negative }: TimeIds, images: number, isGuided: boolean): Tensor {
  const rows = (values: readonly number[]) => new Array<readonly number[]>(images).fill(values);
  const all = isGuided ? [...rows(negative), ...rows(positive)] : rows(positive);
  return tensor(Float32Array.from(all.flat()), [all.length, positive.length]);
}

/** As in Diffusers' text to image, negative sizes count together or not at all. */
export function warnOfLoneSizes(options: MicroConditioningOptions, onWarning: (warning: Warning) => void): void {
  const { negativeOriginalSize, negativeTargetSize, negativeCropsCoordsTopLeft } = options;
  const isAnyGiven = [negativeOriginalSize, negativeTargetSize, negativeCropsCoordsTopLeft].some(Boolean);
  if (!isAnyGiven || (negativeOriginalSize && negativeTargetSize)) return;
  const message = "the negative sizes are not used: give both negativeOriginalSize and negativeTargetSize";
  onWarning({ code: "ignored-option", message });
}
