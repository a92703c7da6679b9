export type { Activation } from "./activation.js";
export type { Attribute } from "./attribute.js";
export { type Autoencoder, type AutoencoderKLConfig, autoencoderKL, autoencoderKLConfig } from "./autoencoder-kl.js";
export { type AutoencoderTinyConfig, autoencoderTiny, autoencoderTinyConfig } from "./autoencoder-tiny.js";
export { type Checkpoint, type CheckpointFiles, hasWeights, openCheckpoint, openCheckpointFile } from "./checkpoint.js";
export { type CLIPTextConfig, clipTextConfig, clipTextModel } from "./clip-text-model.js";
export { type DeclaredValue, type ExportedGraph, openExportedGraph } from "./exported-graph.js";
export { type Dim, type ElementType, GraphBuilder, type GraphValue, type NodeOptions } from "./graph-builder.js";
export type { Network } from "./network.js";
export { fused, type Operators, operatorsFor, unfused } from "./operators.js";
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
export { unet2d } from "./unet-2d.js";
export { unet2dCondition } from "./unet-2d-condition.js";
export { type UNet2DConditionConfig, type UNetBlock, unet2dConditionConfig } from "./unet-2d-condition-config.js";
export { type UNet2DBlock, type UNet2DConfig, unet2dConfig } from "./unet-2d-config.js";
export { Weights } from "./weights.js";
