import { weightedSum } from "@latentkit/core";
import { asSum, type Guidance, guidanceOf, isSumOfPredictions } from "./guidance.js";
import { checkFinite } from "./option-checks.js";

/** How perturbed-attention guidance changes in the course of a run. */
export interface PerturbedAttentionOptions {
  /** How much less it is with every timestep that is done, down to none; 0.003 ends a scale of 3 at the last one. @default 0 */
  readonly adaptiveScale?: number;
}

/**
 * Perturbed-attention guidance (Ahn et al. 2024, eq. 12; Diffusers' PAG with `pag_applied_layers="mid"`): away from what
 * the network draws when the self-attention of its middle is the identity, so that it loses sight of the whole:
 * ε = ε_g + s·(ε_c − ε_p). It needs no negative prompt, and one more call of the network at each step.
 *
 * The UNet is opened anew, in place of the first time, when it is first asked for this, unless it was opened with
 * `residuals: true`. ONNX exports of other programs cannot do it.
 *
 * @param pagScale s; Diffusers' default is 3.
 * @param guidance what it is put on top of, ε_g; a number is a scale of `classifierFree`, and 1 is ε_c alone.
 * @throws TypeError or RangeError for what is no guidance, and for infinite scales.
 * @example
 * ```ts
 * const { images } = await pipe.generate({ prompt: "a red apple", guidance: perturbedAttention(3, 5) });
 * ```
 */
export function perturbedAttention(
  pagScale: number,
  guidance: number | Guidance = 1,
  { adaptiveScale = 0 }: PerturbedAttentionOptions = {},
): Guidance {
  checkFinite("pagScale", pagScale);
  checkFinite("adaptiveScale", adaptiveScale);
  if (adaptiveScale < 0) throw new RangeError(`adaptiveScale: expected 0 or more, got ${adaptiveScale}`);
  const base = guidanceOf(guidance);
  const guide: Guidance = async (predictions) => {
    const isAdaptive = adaptiveScale > 0 && pagScale > 0;
    const scale = isAdaptive ? Math.max(0, pagScale - adaptiveScale * (1000 - predictions.timestep)) : pagScale;
    const guided = await base(predictions);
    if (scale === 0) return guided;
    return weightedSum([
      [1, guided],
      [scale, await predictions.conditional()],
      [-scale, await predictions.perturbed()],
    ]);
  };
  return asSum(guide, isSumOfPredictions(base));
}
