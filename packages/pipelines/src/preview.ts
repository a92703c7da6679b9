import type { Tensor } from "@latentkit/core";
import { imageFromTensor, type RgbaImage } from "@latentkit/images";
import { AutoencoderTiny, type LatentCodec } from "@latentkit/models";
import { latentMatrix } from "./latent-matrix.js";
import { latentPreview } from "./latent-preview.js";
import { checkOneOf } from "./option-checks.js";

/** What latents are shown with: the autoencoder, a distilled one, or a linear map that costs nothing. */
export type PreviewMethod = "vae" | "tiny" | "linear";

/** How to show latents. */
export interface PreviewOptions {
  /** @default "tiny" where there is a tiny autoencoder, else "linear" */
  readonly method?: PreviewMethod | undefined;
  /** Of linear previews: pixels per latent along a side, 1 for the cheapest. @default as many as in the picture */
  readonly scale?: number | undefined;
}

/** What previews are made with. */
export interface PreviewParts {
  readonly vae: LatentCodec;
  /** An `AutoencoderTiny` for the same latents. */
  readonly previewDecoder?: LatentCodec | undefined;
}

const METHODS: readonly PreviewMethod[] = ["vae", "tiny", "linear"];

/**
 * Latents `[images, channels, height, width]` in the pipelines' units as pictures, the quick way unless told otherwise.
 *
 * @throws RangeError for a method that there is none of, `"tiny"` without a tiny autoencoder among them.
 * @example
 * ```ts
 * const [sketch] = await previewLatents(pipe.components, latents);
 * const [picture] = await previewLatents(pipe.components, latents, { method: "vae" });
 * ```
 */
export async function previewLatents(
  parts: PreviewParts,
  latents: Tensor,
  options: PreviewOptions = {},
): Promise<RgbaImage[]> {
  const { vae } = parts;
  const { scale = vae.scaleFactor } = options;
  const decoder = previewCodec(parts, options);
  return decoder
    ? imageFromTensor(await decoder.decode(latents))
    : latentPreview(latents, await latentMatrix(vae), { scale });
}

/** The network that a preview is made with; undefined for a linear one. */
export function previewCodec({ vae, previewDecoder }: PreviewParts, options: PreviewOptions): LatentCodec | undefined {
  const tiny = previewDecoder ?? (vae instanceof AutoencoderTiny ? vae : undefined);
  const { method = tiny ? "tiny" : "linear" } = options;
  checkOneOf("method", method, METHODS);
  if (method === "tiny" && !tiny) {
    const remedy = "give the pipeline a previewDecoder, an AutoencoderTiny for the same latents";
    throw new RangeError(`method: "tiny" needs a tiny autoencoder, and the checkpoint has no vae_tiny/; ${remedy}`);
  }
  return { vae, tiny, linear: undefined }[method];
}
