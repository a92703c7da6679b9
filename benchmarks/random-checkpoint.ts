import { existsSync } from "node:fs";
import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { torchRandom } from "latentkit";
import { clipVocabularyFiles } from "../tests/clip-vocabulary.js";
import { autoencoderTensors, clipTextTensors, type TensorTable, unetTensors } from "./tensor-table.js";

const BLOCK = 1 << 22;

/** Writes a full-size Stable Diffusion 1.5 folder of random float32 weights (4.3 GB), once. */
export async function randomStableDiffusion15(folder: string): Promise<string> {
  if (existsSync(join(folder, "model_index.json"))) return folder;
  const channels = [320, 640, 1280, 1280];
  const unet = {
    channels,
    crossAttentionDim: 768,
    inChannels: 4,
    attention: [true, true, true, false],
    linearProjection: false,
  };
  await writeTensors(join(folder, "unet/diffusion_pytorch_model.safetensors"), unetTensors(unet));
  await writeTensors(join(folder, "vae/diffusion_pytorch_model.safetensors"), autoencoderTensors());
  await writeTensors(join(folder, "text_encoder/model.safetensors"), clipTextTensors({ width: 768, layers: 12 }));
  await writeJson(join(folder, "unet/config.json"), {
    _class_name: "UNet2DConditionModel",
    sample_size: 64,
    cross_attention_dim: 768,
    attention_head_dim: 8,
    block_out_channels: channels,
  });
  await writeJson(join(folder, "vae/config.json"), vaeConfig);
  await writeJson(join(folder, "text_encoder/config.json"), textConfig);
  await writeJson(join(folder, "scheduler/scheduler_config.json"), schedulerConfig);
  for (const [name, text] of Object.entries(clipVocabularyFiles()))
    await writeText(join(folder, "tokenizer", name), text);
  await writeJson(join(folder, "model_index.json"), index);
  return folder;
}

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

async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

const writeJson = (path: string, value: unknown): Promise<void> => writeText(path, JSON.stringify(value, null, 2));

/** Normal values of the size that trained weights have; scales of norms are 1. The same block of numbers serves every tensor. */
async function writeTensors(path: string, tensors: TensorTable): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const noise = torchRandom(0)
    .normal([BLOCK])
    .data.map((value) => value * 0.02);
  const ones = new Float32Array(1 << 16).fill(1);
  const file = await open(`${path}.part`, "w");
  await file.write(header(tensors));
  for (const [name, shape] of tensors) {
    const source = /norm[^.]*\.weight$/.test(name) ? ones : noise;
    for (let left = size(shape); left > 0; left -= source.length)
      await file.write(new Uint8Array(source.buffer, 0, 4 * Math.min(left, source.length)));
  }
  await file.close();
  await rename(`${path}.part`, path);
}

const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** A safetensors header: its length, then JSON padded to a multiple of 8. */
function header(tensors: TensorTable): Uint8Array {
  let at = 0;
  const entries = [...tensors].map(([name, shape]) => {
    const begin = at;
    at += 4 * size(shape);
    return [name, { dtype: "F32", shape, data_offsets: [begin, at] }];
  });
  const json = JSON.stringify(Object.fromEntries(entries));
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
}
