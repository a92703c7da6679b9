import type { Tensor } from "@latentkit/core";
import type { LatentCodec } from "@latentkit/models";
import type { PlanOptions } from "@latentkit/schedulers";
import type { ConditionalUNet } from "./conditional-unet.js";
import { checkDeepCache, type DeepCacheOptions, type ReuseOptions, type Splittable } from "./deep-cache-options.js";
import { checkGuidance, type Guidance } from "./guidance.js";
import { checkFinite, checkRange, checkTensor, isCount } from "./option-checks.js";

/** How large the pictures are. */
export interface SizeOptions {
  /** In pixels, a multiple of 8. @default the size the network was trained on */
  readonly height?: number;
  /** In pixels, a multiple of 8. @default the size the network was trained on */
  readonly width?: number;
}

/** Which noise levels a run visits. */
export interface ScheduleOptions {
  /** @default 50 */
  readonly numInferenceSteps?: number;
  /** Training timesteps to visit, in place of `numInferenceSteps`. */
  readonly timesteps?: readonly number[];
  /** Noise levels to visit, in place of `numInferenceSteps`. */
  readonly sigmas?: readonly number[];
  /** DDIM's share of fresh noise, 0 to 1; other samplers ignore it. @default 0 */
  readonly eta?: number;
}

/** How strongly a run follows its prompt. */
export interface GuidanceOptions extends ReuseOptions {
  /** s in ε_∅ + s·(ε_c − ε_∅). 1 and less turn guidance off and halve the work. @default 7.5 */
  readonly guidanceScale?: number;
  /** How much of the unguided contrast to restore, 0 to 1 (Lin et al. 2024). @default 0 */
  readonly guidanceRescale?: number;
  /**
   * A guidance of another kind in place of both: `interval(7.5, 0.2, 0.8)`, or a function of your own. It is given the
   * negative prompts' prediction and the prompts'.
   */
  readonly guidance?: Guidance | undefined;
  /** Asks the network for one prediction after another in place of all at once: less memory, a little more time. @default false */
  readonly sequentialGuidance?: boolean;
}

/** The guidance of a run with everything settled: a scale and a share, or a value. */
export interface SettledGuidance {
  readonly guidanceScale: number;
  readonly guidanceRescale: number;
  readonly guidance?: Guidance;
  readonly sequential: boolean;
  readonly deepCache?: DeepCacheOptions;
}

/** What a run begins from. */
export interface LatentsOptions {
  /** Unit noise to begin from, `[images, channels, height / 8, width / 8]`, in place of the seed's. */
  readonly latents?: Tensor;
}

/** What a model fixes about its pictures. */
export interface LatentFacts {
  /** Side of the pictures it was trained on, in pixels. */
  readonly defaultSize: number;
  /** Pixels per latent along a side. */
  readonly scaleFactor: number;
  readonly latentChannels: number;
}

const SIZE_MULTIPLE = 8;

/** What a network and its autoencoder fix; `sampleSize` stands in where a configuration of old does not say. */
export function latentFacts(
  { unet, vae }: { readonly unet: ConditionalUNet; readonly vae: LatentCodec },
  sampleSize: number,
): LatentFacts {
  const { latentChannels, scaleFactor } = vae;
  return { latentChannels, scaleFactor, defaultSize: (unet.config.sampleSize ?? sampleSize) * scaleFactor };
}

/** @throws RangeError unless both sides are multiples of 8 pixels. */
export function settleSize(options: SizeOptions, facts: LatentFacts): Required<SizeOptions> {
  const { height = facts.defaultSize, width = facts.defaultSize } = options;
  const multiple = Math.max(SIZE_MULTIPLE, facts.scaleFactor);
  for (const [name, side] of Object.entries({ height, width })) {
    if (!isCount(side) || side % multiple !== 0)
      throw new RangeError(`${name}: expected a positive multiple of ${multiple} pixels, got ${side}`);
  }
  return { height, width };
}

/** The shape of a run's latents. @throws TypeError or RangeError when the caller's own have another one, or hold NaN. */
export function settleLatents(
  { latents }: LatentsOptions,
  { height, width }: Required<SizeOptions>,
  images: number,
  { latentChannels, scaleFactor }: LatentFacts,
): readonly number[] {
  const shape = [images, latentChannels, height / scaleFactor, width / scaleFactor];
  if (latents) checkTensor(latents, shape.join(" "), "latents");
  return shape;
}

/**
 * @throws RangeError for a scale or a share that is none; TypeError for a `guidance` that is none, or beside them, and for
 * a `deepCache` that the network cannot do.
 */
export function settleGuidance(options: GuidanceOptions, defaultScale: number, unet: Splittable): SettledGuidance {
  const {
    guidanceScale = defaultScale,
    guidanceRescale = 0,
    guidance,
    sequentialGuidance: sequential = false,
    deepCache,
  } = options;
  checkFinite("guidanceScale", guidanceScale);
  checkRange("guidanceRescale", guidanceRescale, 0, 1);
  if (typeof sequential !== "boolean")
    throw new TypeError(`sequentialGuidance: expected true or false, got ${String(sequential)}`);
  checkDeepCache(deepCache, unet);
  const settled = { guidanceScale, guidanceRescale, sequential, ...(deepCache && { deepCache }) };
  if (guidance === undefined) return settled;
  checkGuidance(guidance);
  for (const name of ["guidanceScale", "guidanceRescale"] as const) {
    if (options[name] !== undefined)
      throw new TypeError(`${name}: expected nothing beside guidance, got ${options[name]}`);
  }
  return { ...settled, guidance };
}

/** The sampler's share of the options; it has checks of its own. */
export function planOptions(options: ScheduleOptions, defaultSteps: number): PlanOptions {
  const { numInferenceSteps, timesteps, sigmas, eta } = options;
  if (eta !== undefined) checkRange("eta", eta, 0, 1);
  const isListed = timesteps !== undefined || sigmas !== undefined;
  return {
    numInferenceSteps: isListed ? numInferenceSteps : (numInferenceSteps ?? defaultSteps),
    timesteps,
    sigmas,
    eta,
  };
}
