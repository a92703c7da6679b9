import type { RandomSource, Tensor } from "@latentkit/core";
import type { LatentCodec } from "@latentkit/models";
import type { SamplerState } from "@latentkit/schedulers";
import { encodeImage } from "./encode-image.js";
import { type ImageInput, type ImageInputs, imageCount, imageList, type TargetSize } from "./image-input.js";
import { release } from "./release.js";
import type { RunTools } from "./run.js";
import type { RunWindow } from "./run-window.js";
import { type SizeOptions, settleSize } from "./sampling-options.js";

/** What a run begins from, checked as far as it can be before it is read. */
export interface ImageRequest extends TargetSize {
  readonly list: readonly ImageInput[];
  /** Pictures that the run makes. */
  readonly images: number;
}

/**
 * Checks the pictures that a run begins from, and the size to bring them to.
 *
 * @throws TypeError or RangeError naming the option, its value and what is accepted.
 */
export function settleImage(
  { image, height, width }: SizeOptions & { readonly image?: ImageInputs },
  vae: LatentCodec,
  images: number,
): ImageRequest {
  const { latentChannels, scaleFactor } = vae;
  const list = imageList(image, vae);
  const count = imageCount(list);
  if (images % count !== 0)
    throw new RangeError(`image: expected 1 picture or as many as divide the ${images} of this run, got ${count}`);
  // sides that are not given are the picture's own, known when it is read
  const given = { ...(height !== undefined && { height }), ...(width !== undefined && { width }) };
  settleSize(given, { defaultSize: 8 * scaleFactor, latentChannels, scaleFactor });
  return { ...given, list, images };
}

/** The latents of the pictures, one for each picture of the run. */
export async function imageLatents(
  vae: LatentCodec,
  { list, images, height, width }: ImageRequest,
  { encoding, seeds }: RunTools,
): Promise<Tensor> {
  const latents = await encodeImage(vae, list, {
    height,
    width,
    count: images,
    random: encoding,
    isDrawnApart: seeds.length > 1,
  });
  await release(vae);
  return latents;
}

/** The first state of a run from latents: noised to its first level, or as they are where they are noisy already. */
export function beginFrom({ plan, begin }: RunWindow, latents: Tensor, random: RandomSource | undefined): SamplerState {
  if (!random) return plan.state(latents, begin);
  return plan.state(plan.addNoise(latents, random.normal(latents.shape), begin), begin);
}
