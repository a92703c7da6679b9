import type { Tensor } from "@latentkit/core";
import type { RgbaImage } from "@latentkit/images";
import type { PipelineComponents } from "./pipeline.js";
import { type PreviewOptions, previewCodec, previewLatents } from "./preview.js";
import { type PreparedRun, picturesOf } from "./run.js";

/** Pictures of a step; those of a pipeline without an autoencoder are its latents. */
export async function stepPreview(
  run: PreparedRun,
  { vae, previewDecoder }: PipelineComponents,
  sample: Tensor,
  options: PreviewOptions = {},
): Promise<RgbaImage[]> {
  const codec = vae && previewCodec({ vae, previewDecoder }, options);
  if (!vae || codec === vae) return picturesOf(run, await run.decode(sample));
  const images = await previewLatents({ vae, previewDecoder }, sample, options);
  const isWhole = codec !== undefined || (options.scale ?? vae.scaleFactor) === vae.scaleFactor;
  return run.finish && isWhole ? run.finish(images) : images;
}
