import { concat, type RandomSource, type Tensor } from "@latentkit/core";
import type { LatentCodec } from "@latentkit/models";
import { type ImageInputs, imageList, imageTensor, type TargetSize } from "./image-input.js";

/** How to encode pictures. */
export interface EncodeImageOptions extends TargetSize {
  /** Draws latents from the posterior; without it they are its mode. */
  readonly random?: RandomSource | undefined;
  /** How many latents to give: pictures fewer than that are taken in turn. @default one for each picture */
  readonly count?: number | undefined;
  /** Whether each of them is drawn from a source of its own. @default false */
  readonly isDrawnApart?: boolean | undefined;
}

/**
 * Pictures as latents in the pipelines' units, `[images, channels, height / 8, width / 8]`. Latents are given back as they are.
 *
 * @throws TypeError or RangeError for what is no picture; LatentKitError for a file that cannot be read.
 * @example
 * ```ts
 * const latents = await encodeImage(pipe.components.vae, "./photo.png", { height: 512, width: 768 }); // [1, 4, 64, 96]
 * ```
 */
export async function encodeImage(
  vae: LatentCodec,
  image: ImageInputs,
  options: EncodeImageOptions = {},
): Promise<Tensor> {
  const pictures = await imageTensor(imageList(image, vae), vae.scaleFactor, options);
  const { random, count = pictures.shape[0] ?? 0, isDrawnApart = false } = options;
  if (pictures.shape[1] === vae.latentChannels) return inTurn(pictures, count);
  return isDrawnApart ? vae.encode(inTurn(pictures, count), random) : inTurn(await vae.encode(pictures, random), count);
}

/** a, b → a, b, a, b, … */
function inTurn(value: Tensor, count: number): Tensor {
  const [have = 0] = value.shape;
  if (have === count) return value;
  if (have > count || count % have !== 0)
    throw new RangeError(`image: expected 1 picture or as many as divide the ${count} of this run, got ${have}`);
  return concat(new Array<Tensor>(count / have).fill(value));
}
