export type { ElementType } from "@latentkit/core";
export type { Activation } from "./activation.js";
export type { Attribute } from "./attribute.js";
export { type Autoencoder, type AutoencoderKLConfig, autoencoderKL, autoencoderKLConfig } from "./autoencoder-kl.js";
export { type AutoencoderTinyConfig, autoencoderTiny, autoencoderTinyConfig } from "./autoencoder-tiny.js";
export { checkTokenMerging, type TokenMerging } from "./check-token-merging.js";
export {
  type Checkpoint,
  type CheckpointFiles,
  hasVariant,
  hasWeights,
  openCheckpoint,
  openCheckpointFile,
} from "./checkpoint.js";
export { type CLIPTextConfig, clipTextConfig, clipTextModel } from "./clip-text-model.js";
export { type ControlNetConfig, controlNetConfig } from "./controlnet-config.js";
export { controlNetModel } from "./controlnet-model.js";
export { type DeclaredValue, type ExportedGraph, openExportedGraph } from "./exported-graph.js";
export { type Dim, GraphBuilder, type GraphValue, type NodeOptions } from "./graph-builder.js";
export type { GraphOptions, Precision } from "./graph-options.js";
export { kUNet } from "./k-unet.js";
export { isKUNetConfig, type KUNetConfig, kUNetConfig } from "./k-unet-config.js";
export type { Network } from "./network.js";
export { type ConvolutionOptions, fused, type Operators, unfused } from "./operators.js";
export { operatorsFor } from "./operators-for.js";
export { type Packing, packingOf } from "./packing.js";
export { blockSizes, checkQuantization, type Quantization } from "./quantization.js";
export { readTensor } from "./read-tensor.js";
export {
  type CheckpointTensor,
  readSafetensorsHeader,
  type SafetensorsHeader,
  type SafetensorsType,
} from "./safetensors.js";
export type { Family } from "./single-file/family.js";
export type { PartConfigs } from "./single-file/given-configs.js";
export type { ModelPart } from "./single-file/part-layouts.js";
export { type SingleFileModel, type SingleFileOptions, singleFileModel } from "./single-file/single-file-model.js";
export { t2iAdapter } from "./t2i-adapter.js";
export { type T2IAdapterConfig, type T2IAdapterType, t2iAdapterConfig } from "./t2i-adapter-config.js";
export type { TextNetwork, TextNetworkOptions } from "./text-network.js";
export { type PixelMerging, type TokenMerger, type TokenMergers, tokenMergers } from "./token-merging.js";
export { unet2d } from "./unet-2d.js";
export { type UNet2DConditionOptions, unet2dCondition } from "./unet-2d-condition.js";
export { type UNet2DConditionConfig, unet2dConditionConfig } from "./unet-2d-condition-config.js";
export { type UNet2DBlock, type UNet2DConfig, unet2dConfig } from "./unet-2d-config.js";
export { type UNet2DShallowOptions, unet2dShallow } from "./unet-2d-shallow.js";
export { checkBranch, deepFeatureName } from "./unet-branch.js";
export { skipCount } from "./unet-decoder.js";
export type { UNetBlock, UNetEncoderConfig } from "./unet-encoder-config.js";
export {
  hasMiddleAttention,
  residualInputs,
  type StateShape,
  type UNetStateShapes,
  unetStateShapes,
} from "./unet-residuals.js";
export { Weights } from "./weights.js";
