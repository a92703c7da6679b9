import { existsSync } from "node:fs";
import { join } from "node:path";
import { clipVocabularyFiles } from "../tests/clip-vocabulary.js";
import { type StoredType, writeTensors } from "./random-tensors.js";
import { autoencoderTensors, clipTextTensors, unetTensors } from "./tensor-table.js";
import { writeJson, writeText } from "./write-text.js";

const channels = [320, 640, 1280];

/** Writes a full-size SDXL base folder of random weights (6.9 GB in float16), once. */
export async function randomStableDiffusionXL(folder: string, type: StoredType = "fp16"): Promise<string> {
  if (existsSync(join(folder, "model_index.json"))) return folder;
  const unet = {
    channels,
    crossAttentionDim: 2048,
    inChannels: 4,
    transformers: [0, 2, 10],
    linearProjection: true,
    textTime: 2816,
  };
  const weights = {
    "unet/diffusion_pytorch_model": unetTensors(unet),
    "vae/diffusion_pytorch_model": autoencoderTensors(),
    "text_encoder/model": clipTextTensors({ width: 768, layers: 12 }),
    "text_encoder_2/model": clipTextTensors({ width: 1280, layers: 32, projection: 1280 }),
  };
  for (const [name, tensors] of Object.entries(weights))
    await writeTensors(join(folder, `${name}.safetensors`), tensors, type);
  for (const [path, json] of Object.entries(configs)) await writeJson(join(folder, path), json);
  for (const [name, text] of Object.entries(clipVocabularyFiles()))
    for (const tokenizer of ["tokenizer", "tokenizer_2"]) await writeText(join(folder, tokenizer, name), text);
  await writeJson(join(folder, "model_index.json"), index);
  return folder;
}

const vaeBlocks = (name: string) => new Array(4).fill(name);

/** As stabilityai/stable-diffusion-xl-base-1.0 has them, without what is a class's default. */
const configs = {
  "unet/config.json": {
    _class_name: "UNet2DConditionModel",
    sample_size: 128,
    cross_attention_dim: 2048,
    attention_head_dim: [5, 10, 20],
    block_out_channels: channels,
    down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    transformer_layers_per_block: [1, 2, 10],
    use_linear_projection: true,
    addition_embed_type: "text_time",
    addition_time_embed_dim: 256,
    projection_class_embeddings_input_dim: 2816,
  },
  "vae/config.json": {
    _class_name: "AutoencoderKL",
    sample_size: 1024,
    scaling_factor: 0.13025,
    force_upcast: true,
    block_out_channels: [128, 256, 512, 512],
    layers_per_block: 2,
    down_block_types: vaeBlocks("DownEncoderBlock2D"),
    up_block_types: vaeBlocks("UpDecoderBlock2D"),
  },
  "text_encoder/config.json": {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    hidden_act: "quick_gelu",
  },
  "text_encoder_2/config.json": {
    hidden_size: 1280,
    intermediate_size: 5120,
    num_hidden_layers: 32,
    num_attention_heads: 20,
    projection_dim: 1280,
    hidden_act: "gelu",
  },
  "scheduler/scheduler_config.json": {
    _class_name: "EulerDiscreteScheduler",
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: "scaled_linear",
    timestep_spacing: "leading",
    steps_offset: 1,
  },
};

const index = {
  _class_name: "StableDiffusionXLPipeline",
  force_zeros_for_empty_prompt: true,
  unet: ["diffusers", "UNet2DConditionModel"],
  vae: ["diffusers", "AutoencoderKL"],
  text_encoder: ["transformers", "CLIPTextModel"],
  text_encoder_2: ["transformers", "CLIPTextModelWithProjection"],
  tokenizer: ["transformers", "CLIPTokenizer"],
  tokenizer_2: ["transformers", "CLIPTokenizer"],
  scheduler: ["diffusers", "EulerDiscreteScheduler"],
};
