import { contiguous, type Tensor } from "@latentkit/core";
import type { Scheduler } from "@latentkit/schedulers";
import { numberSetting, scheduler } from "./component-loaders.js";
import { type ImageInputs, imageCount, imageTensor, inputList } from "./image-input.js";
import { checkInTurn, inTurn } from "./in-turn.js";
import type { ComponentTable } from "./load-components.js";
import type { RunTools } from "./run.js";
import type { RunOptions } from "./run-options.js";
import type { GuidanceOptions, LatentsOptions, ScheduleOptions } from "./sampling-options.js";
import { type StableDiffusionComponents, stableDiffusionComponents } from "./stable-diffusion-parts.js";
import type { TextOptions } from "./text-options.js";

/** The parts of the ×4 upscaler. */
export interface StableDiffusionUpscaleComponents extends StableDiffusionComponents {
  /** Says how much noise a noise level is. */
  readonly lowResScheduler: Scheduler;
  /** The highest noise level that the network knows. @default 350 */
  readonly maxNoiseLevel?: number | undefined;
}

/** What to enlarge, and how; `numInferenceSteps` is 75 and `guidanceScale` 9 unless given. */
export interface UpscaleOptions extends TextOptions, ScheduleOptions, GuidanceOptions, LatentsOptions, RunOptions {
  /** What to enlarge: one picture for the run, or a list that is gone through in turn; its sides are cut to multiples of 8, in the ×4 upscaler of 4. */
  readonly image?: ImageInputs;
  /** How much noise to put over the picture: more of it gives more freedom, 0 to `maxNoiseLevel`. @default 20 */
  readonly noiseLevel?: number;
}

/** Where they are. */
export const upscaleComponents: ComponentTable<StableDiffusionUpscaleComponents> = {
  ...stableDiffusionComponents,
  scheduler: scheduler(),
  lowResScheduler: scheduler(undefined, "low_res_scheduler"),
  maxNoiseLevel: numberSetting("max_noise_level", 350),
};

/** Channels of a picture. */
export const COLOURS = 3;

/** What to enlarge, checked as far as it can be before it is read. */
export interface NoisedPicture {
  readonly list: ReturnType<typeof inputList>;
  readonly images: number;
  /** A side is cut to a multiple of this. */
  readonly factor: number;
  readonly noiseLevel: number;
  readonly addNoise: (picture: Tensor, noise: Tensor) => Tensor;
}

/** @throws TypeError or RangeError for what is no picture, and a noise level that the network does not know. */
export function settlePicture(
  { vae, lowResScheduler, maxNoiseLevel = 350 }: StableDiffusionUpscaleComponents,
  { image, noiseLevel = 20 }: UpscaleOptions,
  images: number,
): NoisedPicture {
  if (image === undefined)
    throw new TypeError("image: expected a picture (a path, URL, Blob, bytes, ImageData or tensor), got none");
  const list = inputList("image", image, () => COLOURS);
  checkInTurn(imageCount(list), images, "image");
  if (!Number.isInteger(noiseLevel) || noiseLevel < 0 || noiseLevel > maxNoiseLevel)
    throw new RangeError(`noiseLevel: expected an integer from 0 to ${maxNoiseLevel}, got ${noiseLevel}`);
  const plan = lowResScheduler.plan({ timesteps: [noiseLevel] });
  const addNoise: NoisedPicture["addNoise"] = (picture, noise) => plan.addNoise(picture, noise, 0);
  return { list, images, factor: vae.scaleFactor, noiseLevel, addNoise };
}

/** The picture with its noise, which is drawn before that of the latents: once for each picture given, as in Diffusers. */
export async function noisedPicture(
  { list, images, factor, addNoise }: NoisedPicture,
  tools: RunTools,
): Promise<Tensor> {
  const pictures = await imageTensor(list, factor, {}, "bicubic");
  const source = tools.encodingOf(pictures.shape[0] ?? 1);
  const given = contiguous(source ? pictures : inTurn(pictures, images, "image"));
  return inTurn(addNoise(given, (source ?? tools.random).normal(given.shape)), images, "image");
}
