export type { Activation } from "./activation.js";
export type { Attribute } from "./attribute.js";
export { type Autoencoder, type AutoencoderKLConfig, autoencoderKL, autoencoderKLConfig } from "./autoencoder-kl.js";
export { type AutoencoderTinyConfig, autoencoderTiny, autoencoderTinyConfig } from "./autoencoder-tiny.js";
export { type Checkpoint, openCheckpoint, openCheckpointFile } from "./checkpoint.js";
export { type CLIPTextConfig, clipTextConfig, clipTextModel } from "./clip-text-model.js";
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
export { unet2dCondition } from "./unet-2d-condition.js";
export { type UNet2DConditionConfig, type UNetBlock, unet2dConditionConfig } from "./unet-2d-condition-config.js";
export { Weights } from "./weights.js";
