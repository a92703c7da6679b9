import { existsSync } from "node:fs";
import { join } from "node:path";
import { clipVocabularyFiles } from "../tests/clip-vocabulary.js";
import { type StoredType, writeTensors } from "./random-tensors.js";
import { autoencoderTensors, clipTextTensors, controlNetTensors, unetTensors } from "./tensor-table.js";
import { writeJson, writeText } from "./write-text.js";

/** Writes a full-size Stable Diffusion 1.5 folder of random weights (4.3 GB in float32), once. */
export async function randomStableDiffusion15(folder: string, type: StoredType = "fp32"): Promise<string> {
  if (existsSync(join(folder, "model_index.json"))) return folder;
  await writeTensors(join(folder, "unet/diffusion_pytorch_model.safetensors"), unetTensors(unetSizes), type);
  await writeTensors(join(folder, "vae/diffusion_pytorch_model.safetensors"), autoencoderTensors(), type);
  await writeTensors(join(folder, "text_encoder/model.safetensors"), clipTextTensors({ width: 768, layers: 12 }), type);
  await writeJson(join(folder, "unet/config.json"), { _class_name: "UNet2DConditionModel", ...networkConfig });
  await writeJson(join(folder, "vae/config.json"), vaeConfig);
  await writeJson(join(folder, "text_encoder/config.json"), textConfig);
  await writeJson(join(folder, "scheduler/scheduler_config.json"), schedulerConfig);
  for (const [name, text] of Object.entries(clipVocabularyFiles()))
    await writeText(join(folder, "tokenizer", name), text);
  await writeJson(join(folder, "model_index.json"), index);
  return folder;
}

/** Writes a full-size ControlNet for it (1.4 GB in float32), once. */
export async function randomControlNet15(folder: string, type: StoredType = "fp32"): Promise<string> {
  if (existsSync(join(folder, "config.json"))) return folder;
  await writeTensors(join(folder, "diffusion_pytorch_model.safetensors"), controlNetTensors(unetSizes), type);
  await writeJson(join(folder, "config.json"), { _class_name: "ControlNetModel", ...networkConfig });
  return folder;
}

const unetSizes = {
  channels: [320, 640, 1280, 1280],
  crossAttentionDim: 768,
  inChannels: 4,
  transformers: [1, 1, 1, 0],
  linearProjection: false,
};
const networkConfig = {
  sample_size: 64,
  cross_attention_dim: 768,
  attention_head_dim: 8,
  block_out_channels: unetSizes.channels,
};
const vaeBlocks = (name: string) => new Array(4).fill(name);
const vaeConfig = {
  _class_name: "AutoencoderKL",
  block_out_channels: [128, 256, 512, 512],
  layers_per_block: 2,
  down_block_types: vaeBlocks("DownEncoderBlock2D"),
  up_block_types: vaeBlocks("UpDecoderBlock2D"),
};
const textConfig = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  hidden_act: "quick_gelu",
};
const schedulerConfig = {
  _class_name: "PNDMScheduler",
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  skip_prk_steps: true,
  steps_offset: 1,
};
const index = {
  _class_name: "StableDiffusionPipeline",
  unet: ["diffusers", "UNet2DConditionModel"],
  vae: ["diffusers", "AutoencoderKL"],
  text_encoder: ["transformers", "CLIPTextModel"],
  tokenizer: ["transformers", "CLIPTokenizer"],
  scheduler: ["diffusers", "PNDMScheduler"],
};
