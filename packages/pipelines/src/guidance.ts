import { type Tensor, weightedSum } from "@latentkit/core";
import { checkFinite, checkRange } from "./option-checks.js";
import { rescaleNoise } from "./rescale-noise.js";

/** What a guidance works with: the network's predictions at one step, each computed once, when it is asked for. */
export interface Predictions {
  readonly timestep: number;
  /** How many predictions there are: one for each part of the context. */
  readonly parts: number;
  /** The one told the prompts, `[batch, channels, height, width]`. */
  conditional(): Promise<Tensor>;
  /** All of them, in the order of the context: the negative prompts' first, the prompts' last. */
  all(): Promise<readonly Tensor[]>;
  /** One told the prompts of a network in whose middle each place sees itself alone: it loses sight of the whole. */
  perturbed(): Promise<Tensor>;
}

/** How a step's predictions become one: a value, so that anyone can write another. */
export type Guidance = (predictions: Predictions) => Promise<Tensor>;

const sums = new WeakSet<Guidance>();

/** A guidance that is known, when `isIt`, to do nothing but sum the predictions of one step. */
export function asSum(guidance: Guidance, isIt: boolean): Guidance {
  if (isIt) sums.add(guidance);
  return guidance;
}

/** Whether a guidance is known to sum the predictions of one step, wherever they are. */
export function isSumOfPredictions(guidance: Guidance): boolean {
  return sums.has(guidance);
}

/** @throws TypeError unless it is a function. */
export function checkGuidance(guidance: unknown): void {
  if (typeof guidance !== "function")
    throw new TypeError(`guidance: expected a function such as classifierFree(7.5), got ${String(guidance)}`);
}

/** A scale s as the guidance that it stands for. @throws TypeError for what is neither; RangeError for an infinite scale. */
export function guidanceOf(guidance: number | Guidance): Guidance {
  if (typeof guidance === "number") return classifierFree(guidance);
  checkGuidance(guidance);
  return guidance;
}

/**
 * Classifier-free guidance: ε = ε_∅ + s·(ε_c − ε_∅). Our s is the s of Imagen and Diffusers; that of
 * Ho & Salimans 2022 (eq. 6) is s − 1. At s ≤ 1, or without negative prompts, the network is asked for ε_c only.
 *
 * @throws RangeError for an infinite scale; the guidance throws one when the context has more than two parts.
 * @example
 * ```ts
 * const noise = await guided(unet, plan.scaleModelInput(state), timestep, context, classifierFree(7.5));
 * ```
 */
export function classifierFree(guidanceScale: number): Guidance {
  return rescaled(guidanceScale, 0);
}

/**
 * Classifier-free guidance, brought back to the contrast of ε_c in part (Lin et al. 2024, §3.4).
 *
 * @param guidanceRescale φ, 0 to 1: how much of the contrast to restore.
 * @throws RangeError for an infinite scale or a share that is none; the guidance throws one when the context has more
 * than two parts.
 * @example
 * ```ts
 * const noise = await guided(unet, plan.scaleModelInput(state), timestep, context, rescaled(7.5, 0.7));
 * ```
 */
export function rescaled(guidanceScale: number, guidanceRescale: number): Guidance {
  checkFinite("guidanceScale", guidanceScale);
  checkRange("guidanceRescale", guidanceRescale, 0, 1);
  const guidance: Guidance = async (predictions) => {
    if (predictions.parts > 2)
      throw new RangeError(`context: expected negative prompts and prompts, got ${predictions.parts} parts`);
    if (predictions.parts === 1 || guidanceScale <= 1) return predictions.conditional();
    const [unconditional, conditional] = (await predictions.all()) as [Tensor, Tensor];
    const noise = weightedSum([
      [1 - guidanceScale, unconditional],
      [guidanceScale, conditional],
    ]);
    return guidanceRescale > 0 ? rescaleNoise(noise, conditional, guidanceRescale) : noise;
  };
  return asSum(guidance, guidanceRescale === 0);
}
