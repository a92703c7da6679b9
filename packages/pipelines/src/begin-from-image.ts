import type { RandomSource, Tensor } from "@latentkit/core";
import type { LatentCodec } from "@latentkit/models";
import type { SamplerState } from "@latentkit/schedulers";
import { encodeImage } from "./encode-image.js";
import {
  type ImageInput,
  type ImageInputs,
  imageCount,
  imageList,
  imageTensor,
  type TargetSize,
} from "./image-input.js";
import { checkInTurn, inTurn } from "./in-turn.js";
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
  const list = imageList(image, vae);
  checkInTurn(imageCount(list), images, "image");
  return { ...givenSize({ height, width }, vae), list, images };
}

/** The sides that were asked for; others are the picture's own, known when it is read. @throws RangeError unless they are multiples of 8 pixels. */
export function givenSize({ height, width }: TargetSize, { latentChannels, scaleFactor }: LatentCodec): SizeOptions {
  const given = { ...(height !== undefined && { height }), ...(width !== undefined && { width }) };
  settleSize(given, { defaultSize: 8 * scaleFactor, latentChannels, scaleFactor });
  return given;
}

/** The latents of the pictures, one for each picture of the run. */
export async function imageLatents(
  vae: LatentCodec,
  { list, images, height, width }: ImageRequest,
  { encodingOf, seeds }: RunTools,
): Promise<Tensor> {
  const latents = await encodeImage(vae, list, {
    height,
    width,
    count: images,
    random: encodingOf(images),
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

/** The picture's most likely latents, in the autoencoder's own units: the network was trained on these. */
export async function unscaledLatents(
  vae: LatentCodec,
  { list, images, height, width }: ImageRequest,
): Promise<Tensor> {
  const pictures = await imageTensor(list, vae.scaleFactor, { height, width });
  if (pictures.shape[1] === vae.latentChannels) return inTurn(pictures, images, "image");
  const latents = vae.distribution ? (await vae.distribution.posterior(pictures)).mean : await vae.encode(pictures);
  await release(vae);
  return inTurn(latents, images, "image");
}
