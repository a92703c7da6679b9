import type { RandomSource, Tensor } from "@latentkit/core";
import type { LatentCodec } from "@latentkit/models";
import { type ImageInputs, imageList, imageTensor, type TargetSize } from "./image-input.js";
import { inTurn } from "./in-turn.js";

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
  if (pictures.shape[1] === vae.latentChannels) return inTurn(pictures, count, "image");
  return isDrawnApart
    ? vae.encode(inTurn(pictures, count, "image"), random)
    : inTurn(await vae.encode(pictures, random), count, "image");
}
