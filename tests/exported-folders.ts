import { cpSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ModelGraph } from "@latentkit/core";
import {
  type Autoencoder,
  autoencoderKL,
  autoencoderKLConfig,
  clipTextConfig,
  clipTextModel,
  type Dim,
  type ElementType,
  openCheckpoint,
  unet2dCondition,
  unet2dConditionConfig,
} from "@latentkit/onnx";
import { type ExportedValue, type ExportHabit, exportOf } from "./exported-model.js";
import { fixtureFiles } from "./fixture-files.js";
import { fixtures, goldenJson } from "./golden.js";

/** An autoencoder by its folder under `fixtures/`. */
export async function autoencoderOf(folder: string): Promise<Autoencoder> {
  const config = autoencoderKLConfig(goldenJson(`${folder}/config.json`));
  return autoencoderKL(await openCheckpoint(fixtureFiles(folder), "diffusion_pytorch_model"), config);
}

/** The networks of a folder under `fixtures/`, as this library builds them. */
export interface Networks {
  readonly textEncoder: ModelGraph;
  readonly unet: ModelGraph;
  readonly vaeEncoder: ModelGraph;
  readonly vaeDecoder: ModelGraph;
}

/** A text encoder by its folder under `fixtures/`. */
export async function textEncoderOf(folder: string): Promise<ModelGraph> {
  const config = clipTextConfig(goldenJson(`${folder}/config.json`));
  return clipTextModel(await openCheckpoint(fixtureFiles(folder), "model"), config);
}

/** A UNet by its folder under `fixtures/`. */
export async function unetOf(folder: string): Promise<ModelGraph> {
  const config = unet2dConditionConfig(goldenJson(`${folder}/config.json`));
  return unet2dCondition(await openCheckpoint(fixtureFiles(folder), "diffusion_pytorch_model"), config);
}

/** The networks of `fixtures/pipelines/tiny-sd`. */
export async function tinySd(): Promise<Networks> {
  const root = "pipelines/tiny-sd";
  const { encoder, decoder } = await autoencoderOf(`${root}/vae`);
  return {
    textEncoder: await textEncoderOf(`${root}/text_encoder`),
    unet: await unetOf(`${root}/unet`),
    vaeEncoder: encoder,
    vaeDecoder: decoder,
  };
}

/** A new folder for a model. */
export function newFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "latentkit-export-")));
}

/** Writes an export into `<root>/<part>/`. */
export async function writeExport(
  root: string,
  part: string,
  network: ModelGraph,
  habit: ExportHabit,
  file: string = "model.onnx",
): Promise<void> {
  const { model, data } = await exportOf(network, habit);
  mkdirSync(join(root, part), { recursive: true });
  writeFileSync(join(root, part, file), model);
  if (habit.dataFile !== undefined) writeFileSync(join(root, part, habit.dataFile), data);
}

/** An exporter of Stable Diffusion: what it makes of each network, and which files it writes beside them. */
export interface Exporter {
  readonly textEncoder: ExportHabit;
  readonly unet: ExportHabit;
  readonly vaeEncoder?: ExportHabit;
  readonly vaeDecoder: ExportHabit;
  /** The files to copy, of `fixtures/pipelines/tiny-sd`, and where to. */
  readonly copies: readonly (readonly [from: string, to: string])[];
  readonly index?: unknown;
}

/** Lays `fixtures/pipelines/tiny-sd` out as an exporter would have, in a new folder. */
export async function exportedFolder(exporter: Exporter): Promise<string> {
  const root = newFolder();
  const networks = await tinySd();
  await writeExport(root, "text_encoder", networks.textEncoder, exporter.textEncoder);
  await writeExport(root, "unet", networks.unet, exporter.unet);
  await writeExport(root, "vae_decoder", networks.vaeDecoder, exporter.vaeDecoder);
  if (exporter.vaeEncoder) await writeExport(root, "vae_encoder", networks.vaeEncoder, exporter.vaeEncoder);
  for (const [from, to] of exporter.copies)
    cpSync(`${fixtures}pipelines/tiny-sd/${from}`, join(root, to), { recursive: true });
  if (exporter.index !== undefined) writeFileSync(join(root, "model_index.json"), JSON.stringify(exporter.index));
  return root;
}

/** An input or output as exporters write it. */
export const value = (name: string, type: ElementType, ...shape: readonly Dim[]): ExportedValue => ({
  name,
  type,
  shape,
});

const PARTS: Exporter["copies"] = [
  ["tokenizer", "tokenizer"],
  ["scheduler", "scheduler"],
];
const CONFIGS: Exporter["copies"] = [
  ["text_encoder/config.json", "text_encoder/config.json"],
  ["unet/config.json", "unet/config.json"],
  ["vae/config.json", "vae_decoder/config.json"],
  ["vae/config.json", "vae_encoder/config.json"],
];

/** Optimum: float32, weights in `model.onnx_data`, a timestep without axes, mean and logvar together. */
export const optimum: Exporter = {
  textEncoder: {
    inputs: { attention_mask: "ones", input_ids: value("input_ids", "int64", "batch_size", "sequence_length") },
    outputs: {
      last_hidden_state: value("last_hidden_state", "float32", "batch_size", "sequence_length", 32),
      pooler_output: value("pooler_output", "float32", "batch_size", 32),
    },
  },
  unet: {
    inputs: {
      sample: value("sample", "float32", "batch_size", 4, "height", "width"),
      timestep: value("timestep", "float32"),
      encoder_hidden_states: value("encoder_hidden_states", "float32", "batch_size", "sequence_length", 32),
    },
    outputs: { out_sample: value("out_sample", "float32", "batch_size", 4, "height", "width") },
    dataFile: "model.onnx_data",
  },
  vaeEncoder: {
    inputs: { sample: value("sample", "float32", "batch_size", 3, "sample_height", "sample_width") },
    outputs: { latent_parameters: value("latent_parameters", "float32", "batch_size", 8, "h", "w") },
    latents: "parameters",
  },
  vaeDecoder: {
    inputs: { latent_sample: value("latent_sample", "float32", "batch_size", 4, "latent_height", "latent_width") },
    outputs: { sample: value("sample", "float32", "batch_size", 3, "h", "w") },
  },
  copies: [...PARTS, ...CONFIGS],
  index: {
    _class_name: "ORTStableDiffusionPipeline",
    text_encoder: ["optimum.onnxruntime.modeling_diffusion", "ORTTextEncoder"],
    unet: ["optimum.onnxruntime.modeling_diffusion", "ORTUnet"],
    vae: ["optimum.onnxruntime.modeling_diffusion", "ORTVae"],
    tokenizer: ["transformers", "CLIPTokenizer"],
    scheduler: ["diffusers", "PNDMScheduler"],
  },
};

const onnxIndex = {
  _class_name: "OnnxStableDiffusionPipeline",
  ...Object.fromEntries(
    ["text_encoder", "unet", "vae_decoder", "vae_encoder", "safety_checker"].map((part) => [
      part,
      ["diffusers", "OnnxRuntimeModel"],
    ]),
  ),
  tokenizer: ["transformers", "CLIPTokenizer"],
  scheduler: ["diffusers", "PNDMScheduler"],
};

/** Diffusers' own script: integer timesteps, free channels, weights in `weights.pb`, latents drawn inside, no configurations. */
export const diffusersScript: Exporter = {
  textEncoder: {
    inputs: { attention_mask: "ones", input_ids: value("input_ids", "int32", "batch", "sequence") },
    outputs: {
      last_hidden_state: value("last_hidden_state", "float32", "Add_dim_0", "Add_dim_1", 32),
      pooler_output: value("pooler_output", "float32", "Gather_dim_0", 32),
    },
  },
  unet: {
    inputs: {
      sample: value("sample", "float32", "batch", "channels", "height", "width"),
      timestep: value("timestep", "int64", "batch"),
      encoder_hidden_states: value("encoder_hidden_states", "float32", "batch", "sequence", 32),
    },
    outputs: { out_sample: value("out_sample", "float32", "Conv_dim_0", 4, "Conv_dim_2", "Conv_dim_3") },
    dataFile: "weights.pb",
  },
  vaeEncoder: {
    inputs: { sample: value("sample", "float32", "batch", "channels", "height", "width") },
    outputs: { latent_sample: value("latent_sample", "float32", "a", "b", "c", "d") },
    latents: "drawn",
  },
  vaeDecoder: {
    inputs: { latent_sample: value("latent_sample", "float32", "batch", "channels", "height", "width") },
    outputs: { sample: value("sample", "float32", "a", "b", "c", "d") },
  },
  copies: PARTS,
  index: onnxIndex,
};

const HALF = { half: true } as const;

/** Olive: the script's names and `model_index.json`, float16 throughout, weights inside. */
export const olive: Exporter = {
  textEncoder: {
    ...HALF,
    inputs: { attention_mask: "ones", input_ids: value("input_ids", "int32", "batch", "sequence") },
    outputs: { last_hidden_state: value("last_hidden_state", "float16", "batch", "sequence", 32) },
  },
  unet: {
    ...HALF,
    inputs: {
      sample: value("sample", "float16", "unet_sample_batch", "channels", "unet_sample_height", "unet_sample_width"),
      timestep: value("timestep", "float16", "unet_time_batch"),
      encoder_hidden_states: value("encoder_hidden_states", "float16", "unet_hidden_batch", "sequence", 32),
    },
    outputs: { out_sample: value("out_sample", "float16", "a", 4, "c", "d") },
  },
  vaeEncoder: {
    ...HALF,
    inputs: { sample: value("sample", "float16", "batch", "channels", "height", "width") },
    outputs: { latent_sample: value("latent_sample", "float16", "a", 4, "c", "d") },
    latents: "drawn",
  },
  vaeDecoder: {
    ...HALF,
    inputs: { latent_sample: value("latent_sample", "float16", "batch", "channels", "height", "width") },
    outputs: { sample: value("sample", "float16", "a", 3, "c", "d") },
  },
  copies: PARTS,
  index: onnxIndex,
};

/** Web demos: float16, everything fixed, one item at a time, no encoder and no configurations at all. */
export const webDemo: Exporter = {
  textEncoder: {
    ...HALF,
    inputs: { attention_mask: "ones", input_ids: value("input_ids", "int32", 1, 77) },
    outputs: { last_hidden_state: value("last_hidden_state", "float16", 1, 77, 32) },
  },
  unet: {
    ...HALF,
    inputs: {
      sample: value("sample", "float16", 1, 4, 8, 16),
      timestep: value("timestep", "int64", 1),
      encoder_hidden_states: value("encoder_hidden_states", "float16", 1, 77, 32),
    },
    outputs: { out_sample: value("out_sample", "float16", 1, 4, 8, 16) },
  },
  vaeDecoder: {
    ...HALF,
    inputs: { latent_sample: value("latent_sample", "float16", 1, 4, 8, 16) },
    outputs: { sample: value("sample", "float16", 1, 3, 64, 128) },
  },
  copies: [],
};

const hiddenStates = (count: number, type: ElementType, width: number) =>
  Array.from({ length: count }, (_, i) => [`hidden_states.${i}`, value(`hidden_states.${i}`, type, "b", "s", width)]);

/** Lays `fixtures/pipelines/tiny-sdxl` out as Optimum and Olive do, in a new folder: two text encoders with all states. */
export async function exportedXlFolder(type: ElementType, withConfigs: boolean): Promise<string> {
  const root = newFolder();
  const from = "pipelines/tiny-sdxl";
  const half = type === "float16";
  for (const [part, width] of [
    ["text_encoder", goldenJson<TextConfig>(`${from}/text_encoder/config.json`)],
    ["text_encoder_2", goldenJson<TextConfig>(`${from}/text_encoder_2/config.json`)],
  ] as const) {
    const states = hiddenStates(width.num_hidden_layers + 1, type, width.hidden_size);
    const last = value("last_hidden_state", type, "b", "s", width.hidden_size);
    const projected = part === "text_encoder_2" && {
      text_embeds: value("text_embeds", type, "b", width.projection_dim),
    };
    await writeExport(root, part, await textEncoderOf(`${from}/${part}`), {
      half,
      inputs: { attention_mask: "ones", input_ids: value("input_ids", half ? "int32" : "int64", "b", "s") },
      outputs: { ...projected, last_hidden_state: last, ...Object.fromEntries(states) },
    });
  }
  const unet = goldenJson<{ cross_attention_dim: number }>(`${from}/unet/config.json`);
  const pooled = goldenJson<TextConfig>(`${from}/text_encoder_2/config.json`).projection_dim;
  await writeExport(root, "unet", await unetOf(`${from}/unet`), {
    half,
    inputs: {
      sample: value("sample", type, "unet_sample_batch", 4, "h", "w"),
      timestep: value("timestep", type, ...(half ? ["unet_time_batch"] : [])),
      encoder_hidden_states: value("encoder_hidden_states", type, "b", "s", unet.cross_attention_dim),
      text_embeds: value("text_embeds", type, "b", pooled),
      time_ids: value("time_ids", type, "b", half ? 6 : "unet_time_ids_size"),
    },
    outputs: { out_sample: value("out_sample", type, "b", 4, "h", "w") },
    dataFile: "model.onnx.data",
  });
  await writeExport(root, "vae_decoder", (await autoencoderOf(`${from}/vae`)).decoder, optimum.vaeDecoder);
  for (const part of ["tokenizer", "tokenizer_2", "scheduler"])
    cpSync(`${fixtures}${from}/${part}`, join(root, part), { recursive: true });
  if (withConfigs)
    for (const part of ["text_encoder", "text_encoder_2", "unet"])
      cpSync(`${fixtures}${from}/${part}/config.json`, join(root, part, "config.json"));
  const index = { ...goldenJson<object>(`${from}/model_index.json`), _class_name: "ORTStableDiffusionXLPipeline" };
  writeFileSync(join(root, "model_index.json"), JSON.stringify(index));
  return root;
}

interface TextConfig {
  readonly hidden_size: number;
  readonly projection_dim: number;
  readonly num_hidden_layers: number;
}
