import type { Tensor } from "@latentkit/core";
import { imageFromTensor, type RgbaImage } from "@latentkit/images";
import type { LatentCodec } from "@latentkit/models";

/**
 * Latents `[images, channels, height / 8, width / 8]` in the pipelines' units as pictures.
 *
 * @throws LatentKitError `"run-failed"` when the decoder gives NaN.
 * @example
 * ```ts
 * const [image] = await decodeLatents(pipe.components.vae, latents);
 * ```
 */
export async function decodeLatents(vae: LatentCodec, latents: Tensor): Promise<RgbaImage[]> {
  return imageFromTensor(await vae.decode(latents));
}
