import { concat, contiguous, split, type Tensor, weightedSum } from "@latentkit/core";
import type { UNet2DConditionModel, UNetConditions } from "@latentkit/models";
import { rescaleNoise } from "./rescale-noise.js";

/** What else the guided prediction may be told. */
export interface GuidedOptions {
  /** φ of Lin et al. 2024, §3.4: how much of the conditional prediction's contrast to restore, 0 to 1. @default 0 */
  readonly guidanceRescale?: number;
  /** What the network is told beside the text, for one half of the batch. */
  readonly conditions?: UNetConditions;
}

/**
 * The network's prediction with classifier-free guidance: ε = ε_∅ + s·(ε_c − ε_∅).
 * Our s is the s of Imagen and Diffusers; that of Ho & Salimans 2022 (eq. 6) is s − 1.
 * At s ≤ 1 there is no guidance, and the network runs on half the batch.
 *
 * @param sample noisy latents after `scaleModelInput`, `[batch, channels, height, width]`.
 * @param context texts: the negative prompts' first, then the prompts', `[2 · batch, length, width]`; or the prompts' alone, `[batch, length, width]`, which is no guidance either.
 * @throws RangeError when the batches do not fit.
 * @example
 * ```ts
 * const noise = await guided(unet, plan.scaleModelInput(state), timestep, context, 7.5);
 * ```
 */
export async function guided(
  unet: Pick<UNet2DConditionModel, "predict">,
  sample: Tensor,
  timestep: number,
  context: Tensor,
  guidanceScale: number,
  { guidanceRescale = 0, conditions }: GuidedOptions = {},
): Promise<Tensor> {
  const [batch = 0] = sample.shape;
  const [texts = 0] = context.shape;
  if (texts !== batch && texts !== 2 * batch) {
    throw new RangeError(`context: expected ${batch} texts, or ${2 * batch} for guidance, got ${texts}`);
  }
  if (texts === batch) return unet.predict(sample, timestep, context, conditions);
  if (guidanceScale <= 1) return unet.predict(sample, timestep, split(contiguous(context), 2)[1]!, conditions);
  const prediction = await unet.predict(
    concat([contiguous(sample), contiguous(sample)]),
    timestep,
    context,
    conditions,
  );
  const [unconditional, conditional] = split(prediction, 2) as [Tensor, Tensor];
  const noise = weightedSum([
    [1 - guidanceScale, unconditional],
    [guidanceScale, conditional],
  ]);
  return guidanceRescale > 0 ? rescaleNoise(noise, conditional, guidanceRescale) : noise;
}
