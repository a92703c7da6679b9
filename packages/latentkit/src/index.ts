export {
  LatentKitError,
  type LatentKitErrorCode,
  type ModelFile,
  type ModelFiles,
  type RandomSource,
  type Shape,
  type Tensor,
  type TokenIds,
  tensor,
  torchRandom,
} from "@latentkit/core";
export { readJson } from "@latentkit/hub";
export {
  type ImageSource,
  imageFromTensor,
  loadImage,
  type PngOptions,
  pngText,
  RgbaImage,
  tensorFromImage,
} from "@latentkit/images";
export {
  AutoencoderKL,
  AutoencoderTiny,
  CLIPTextEncoder,
  type CLIPTextOutputs,
  type LatentCodec,
  type LoadOptions,
  type ModelSource,
  openSource,
  type Posterior,
  UNet2DConditionModel,
  type UNetConditions,
  type Warning,
} from "@latentkit/models";
export {
  type DenoiseOptions,
  denoise,
  encodePrompt,
  type GenerateOptions,
  type GenerateResult,
  type GuidedOptions,
  guided,
  type PipelineLoadOptions,
  type StableDiffusionComponents,
  StableDiffusionPipeline,
  type Step,
} from "@latentkit/pipelines";
export type { Backend, Device, Session } from "@latentkit/runtime";
export * from "@latentkit/schedulers";
export { CLIPTokenizer } from "@latentkit/tokenizer";
