export type { AdapterOptions } from "./adapter-options.js";
export type { AdapterParts, Adapters } from "./adapter-parts.js";
export type { BatchItem, BatchOptions, BatchPlace, BatchResult, BatchSettings } from "./batch-options.js";
export type { ConditionalUNet } from "./conditional-unet.js";
export type { ControlOptions } from "./control-options.js";
export type { ControlParts } from "./control-parts.js";
export type { ControlNets } from "./control-request.js";
export { DDIMInversionPipeline } from "./ddim-inversion-pipeline.js";
export { type DDPMComponents, DDPMPipeline, type DDPMPipelineOptions } from "./ddpm-pipeline.js";
export { decodeLatents } from "./decode-latents.js";
export type { DeepCacheOptions, ReuseOptions } from "./deep-cache-options.js";
export type { NonUniformSchedule } from "./deep-cache-schedule.js";
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
export type { HiresFixOptions } from "./hires-fix.js";
export type { ImageInput, ImageInputs, TargetSize } from "./image-input.js";
export type { ImageOptions, Img2ImgOptions } from "./img2img-options.js";
export type { InpaintOptions, MaskOptions, StableDiffusionXLInpaintOptions } from "./inpaint-options.js";
export { intercept, type Run } from "./intercept.js";
export { type IntervalOptions, interval } from "./interval.js";
export type { DDIMInversionOptions } from "./inversion-options.js";
export {
  type LatentConsistencyModelImg2ImgOptions,
  LatentConsistencyModelImg2ImgPipeline,
} from "./latent-consistency-model-img2img-pipeline.js";
export {
  type LatentConsistencyModelOptions,
  LatentConsistencyModelPipeline,
} from "./latent-consistency-model-pipeline.js";
export { fitLatentMatrix } from "./latent-matrix.js";
export { type LatentMatrix, type LatentPreviewOptions, latentPreview } from "./latent-preview.js";
export type { LatentUpscaleOptions, StableDiffusionLatentUpscaleComponents } from "./latent-upscale-parts.js";
export type {
  CheckpointOptions,
  ComponentSpec,
  ComponentTable,
  PipelineFiles,
  PipelineLoadOptions,
} from "./load-components.js";
export type { AestheticOptions, MicroConditioningOptions, Pair } from "./micro-conditioning.js";
export type { NoiseSource } from "./noise-source.js";
export { type PerturbedAttentionOptions, perturbedAttention } from "./perturbed-attention.js";
export type { Disposable, GenerateResult, Pipeline, PipelineClass, PipelineComponents } from "./pipeline.js";
export { pipelineClass } from "./pipeline-class.js";
export type { PipelineKind } from "./pipeline-kind.js";
export { type PreviewMethod, type PreviewOptions, type PreviewParts, previewLatents } from "./preview.js";
export { graded, type Quality, type QualityOptions } from "./quality.js";
export { rescaleNoise } from "./rescale-noise.js";
export { type LatentFilter, resizeLatents } from "./resize-latents.js";
export { type Prediction, type ReverseOptions, reverseProcess } from "./reverse-process.js";
export type { PreparedRun, RunTools } from "./run.js";
export type { RunOptions } from "./run-options.js";
export type { WindowOptions } from "./run-window.js";
export type { GuidanceOptions, LatentsOptions, ScheduleOptions, SizeOptions } from "./sampling-options.js";
export type { A1111SeedMode, ComfySeedMode, DiffusersSeedMode, SeedMode } from "./seed-mode.js";
export {
  type StableDiffusionAdapterComponents,
  type StableDiffusionAdapterOptions,
  StableDiffusionAdapterPipeline,
} from "./stable-diffusion-adapter-pipeline.js";
export {
  type StableDiffusionControlNetImg2ImgOptions,
  StableDiffusionControlNetImg2ImgPipeline,
} from "./stable-diffusion-controlnet-img2img-pipeline.js";
export {
  type StableDiffusionControlNetInpaintOptions,
  StableDiffusionControlNetInpaintPipeline,
} from "./stable-diffusion-controlnet-inpaint-pipeline.js";
export {
  type StableDiffusionControlNetComponents,
  type StableDiffusionControlNetOptions,
  StableDiffusionControlNetPipeline,
} from "./stable-diffusion-controlnet-pipeline.js";
export { StableDiffusionImg2ImgPipeline } from "./stable-diffusion-img2img-pipeline.js";
export { StableDiffusionInpaintPipeline } from "./stable-diffusion-inpaint-pipeline.js";
export {
  type InstructPix2PixOptions,
  StableDiffusionInstructPix2PixPipeline,
} from "./stable-diffusion-instruct-pix2pix-pipeline.js";
export { StableDiffusionLatentUpscalePipeline } from "./stable-diffusion-latent-upscale-pipeline.js";
export type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
export { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
export { StableDiffusionUpscalePipeline } from "./stable-diffusion-upscale-pipeline.js";
export {
  type StableDiffusionXLAdapterComponents,
  type StableDiffusionXLAdapterOptions,
  StableDiffusionXLAdapterPipeline,
} from "./stable-diffusion-xl-adapter-pipeline.js";
export {
  type StableDiffusionXLControlNetImg2ImgComponents,
  type StableDiffusionXLControlNetImg2ImgOptions,
  StableDiffusionXLControlNetImg2ImgPipeline,
} from "./stable-diffusion-xl-controlnet-img2img-pipeline.js";
export {
  type StableDiffusionXLControlNetInpaintOptions,
  StableDiffusionXLControlNetInpaintPipeline,
} from "./stable-diffusion-xl-controlnet-inpaint-pipeline.js";
export {
  type StableDiffusionXLControlNetComponents,
  type StableDiffusionXLControlNetOptions,
  StableDiffusionXLControlNetPipeline,
} from "./stable-diffusion-xl-controlnet-pipeline.js";
export type { StableDiffusionXLImg2ImgComponents } from "./stable-diffusion-xl-img2img-parts.js";
export {
  type StableDiffusionXLImg2ImgOptions,
  StableDiffusionXLImg2ImgPipeline,
} from "./stable-diffusion-xl-img2img-pipeline.js";
export { StableDiffusionXLInpaintPipeline } from "./stable-diffusion-xl-inpaint-pipeline.js";
export type { StableDiffusionXLComponents } from "./stable-diffusion-xl-parts.js";
export { type StableDiffusionXLOptions, StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";
export type { Step } from "./step.js";
export { textAndImage } from "./text-and-image.js";
export type { TextOptions } from "./text-options.js";
export type { XLTextOptions } from "./text-options-xl.js";
export type { StableDiffusionUpscaleComponents, UpscaleOptions } from "./upscale-parts.js";
export { withChannels } from "./with-channels.js";
