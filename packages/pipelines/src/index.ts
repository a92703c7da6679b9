export { type DDPMComponents, DDPMPipeline, type DDPMPipelineOptions } from "./ddpm-pipeline.js";
export { decodeLatents } from "./decode-latents.js";
export { type DenoiseOptions, denoise } from "./denoise.js";
export { DiffusionPipeline, type DiffusionPipelineOpener } from "./diffusion-pipeline.js";
export { type EncodeImageOptions, encodeImage } from "./encode-image.js";
export { type EncodePromptOptions, encodePrompt, type TextParts } from "./encode-prompt.js";
export {
  type EncodePromptXLOptions,
  encodePromptXL,
  type XLPromptEmbeds,
  type XLTextParts,
} from "./encode-prompt-xl.js";
export type { GenerateOptions } from "./generate-options.js";
export { classifierFree, type Guidance, type Predictions, rescaled } from "./guidance.js";
export { type GuidedOptions, guided, type Predictor } from "./guided.js";
export type { ImageInput, ImageInputs, TargetSize } from "./image-input.js";
export {
  type LatentConsistencyModelOptions,
  LatentConsistencyModelPipeline,
} from "./latent-consistency-model-pipeline.js";
export type { PipelineLoadOptions } from "./load-components.js";
export type { AestheticOptions, MicroConditioningOptions, Pair } from "./micro-conditioning.js";
export type { GenerateResult, Pipeline, PipelineClass, PipelineComponents } from "./pipeline.js";
export { rescaleNoise } from "./rescale-noise.js";
export { type Prediction, type ReverseOptions, reverseProcess } from "./reverse-process.js";
export type { RunOptions } from "./run-options.js";
export type { WindowOptions } from "./run-window.js";
export type { GuidanceOptions, LatentsOptions, ScheduleOptions, SizeOptions } from "./sampling-options.js";
export type { A1111SeedMode, ComfySeedMode, DiffusersSeedMode, SeedMode } from "./seed-mode.js";
export type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
export { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
export {
  type StableDiffusionXLImg2ImgComponents,
  type StableDiffusionXLImg2ImgOptions,
  StableDiffusionXLImg2ImgPipeline,
} from "./stable-diffusion-xl-img2img-pipeline.js";
export type { StableDiffusionXLComponents } from "./stable-diffusion-xl-parts.js";
export { type StableDiffusionXLOptions, StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";
export type { Step } from "./step.js";
export type { TextOptions } from "./text-options.js";
export type { XLTextOptions } from "./text-options-xl.js";
