import {
  type DiffusionPipeline,
  StableDiffusionInpaintPipeline,
  StableDiffusionInstructPix2PixPipeline,
  StableDiffusionLatentUpscalePipeline,
  StableDiffusionUpscalePipeline,
  StableDiffusionXLImg2ImgPipeline,
  StableDiffusionXLInpaintPipeline,
} from "latentkit";

const kinds = [
  ["img2img", [StableDiffusionInstructPix2PixPipeline, StableDiffusionXLImg2ImgPipeline]],
  ["inpaint", [StableDiffusionInpaintPipeline, StableDiffusionXLInpaintPipeline]],
  ["upscale", [StableDiffusionLatentUpscalePipeline, StableDiffusionUpscalePipeline]],
] as const;

/** The command for a model that begins from a picture; the others are steered by one. */
export function commandOf(model: DiffusionPipeline): string {
  return kinds.find(([, pipelines]) => pipelines.some((pipeline) => model instanceof pipeline))?.[0] ?? "control";
}
