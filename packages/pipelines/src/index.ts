export { type DenoiseOptions, denoise } from "./denoise.js";
export { type EncodePromptOptions, encodePrompt, type TextParts } from "./encode-prompt.js";
export type { GenerateOptions } from "./generate-options.js";
export { type GuidedOptions, guided } from "./guided.js";
export type { PipelineLoadOptions } from "./load-components.js";
export { rescaleNoise } from "./rescale-noise.js";
export {
  type GenerateResult,
  type StableDiffusionComponents,
  StableDiffusionPipeline,
} from "./stable-diffusion-pipeline.js";
export type { Step } from "./step.js";
