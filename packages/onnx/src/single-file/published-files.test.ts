import { readJson } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { headerOnlyFile } from "../../../../tests/header-only-file.js";
import {
  controlNetShapes,
  openClipShapes,
  publishedFiles,
  publishedUNets,
  type Shapes,
  unetShapes,
  vaeShapes,
} from "../../../../tests/original-layout.js";
import { autoencoderKL, autoencoderKLConfig } from "../autoencoder-kl.js";
import { openCheckpoint } from "../checkpoint.js";
import { clipTextConfig, clipTextModel } from "../clip-text-model.js";
import { controlNetConfig } from "../controlnet-config.js";
import { controlNetModel } from "../controlnet-model.js";
import { unet2dCondition } from "../unet-2d-condition.js";
import { unet2dConditionConfig } from "../unet-2d-condition-config.js";
import type { ModelPart } from "./part-layouts.js";
import { type SingleFileModel, type SingleFileOptions, singleFileModel } from "./single-file-model.js";

const open = (shapes: Shapes, options?: SingleFileOptions) => singleFileModel(headerOnlyFile(shapes), options);

async function json(model: SingleFileModel, path: string): Promise<Record<string, unknown>> {
  const file = await model.find(path);
  if (!file) throw new Error(`no ${path}`);
  return readJson(file);
}

/** Builds the graph of a part, which fails for a tensor that is missing, and tells which are left. */
async function unusedTensors(model: SingleFileModel, part: ModelPart): Promise<readonly string[]> {
  const config = await json(model, `${part}/config.json`);
  const checkpoint = await openCheckpoint(model.at(part), "any");
  if (part === "unet") return unet2dCondition(checkpoint, unet2dConditionConfig(config)).unusedTensors;
  if (part === "controlnet") return controlNetModel(checkpoint, controlNetConfig(config)).unusedTensors;
  if (part === "vae") return autoencoderKL(checkpoint, autoencoderKLConfig(config)).unusedTensors;
  return clipTextModel(checkpoint, clipTextConfig(config)).unusedTensors;
}

describe("files of full size", () => {
  it("have the numbers of tensors that the published ones have", () => {
    const count = (shapes: Shapes) => Object.keys(shapes).length;
    // 686 and 248 by the checkpoints on the Hub; 2515 is what sd_xl_base_1.0.safetensors lists
    expect([count(unetShapes(publishedUNets.sd1)), count(vaeShapes())]).toEqual([686, 248]);
    expect(count(publishedFiles.sdxl) - 1).toBe(2515);
  });

  it.each([
    ["sd1", ["unet", "vae", "text_encoder"]],
    ["sd2", ["unet", "vae", "text_encoder"]],
    ["sdxl", ["unet", "vae", "text_encoder", "text_encoder_2"]],
    ["refiner", ["unet", "vae", "text_encoder_2"]],
    ["upscaler", ["unet", "vae", "text_encoder"]],
  ] as const)("%s: every tensor has its place, and none is missing", async (name, parts) => {
    const model = await open(publishedFiles[name]);
    expect(model.parts).toEqual(parts);
    expect(model.strayTensors).toEqual([]);
    for (const part of model.parts) expect([part, await unusedTensors(model, part)]).toEqual([part, []]);
  });

  // config.json of stable-diffusion-v1-5, stable-diffusion-2-1, stable-diffusion-xl-base-1.0 and -refiner-1.0,
  // stable-diffusion-x4-upscaler on the Hub
  it.each([
    [
      "sd1",
      {
        in_channels: 4,
        sample_size: 64,
        cross_attention_dim: 768,
        attention_head_dim: 8,
        use_linear_projection: false,
      },
    ],
    [
      "sd2",
      { sample_size: 96, cross_attention_dim: 1024, attention_head_dim: [5, 10, 20, 20], use_linear_projection: true },
    ],
    [
      "sdxl",
      {
        sample_size: 128,
        block_out_channels: [320, 640, 1280],
        down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        transformer_layers_per_block: [1, 2, 10],
        attention_head_dim: [5, 10, 20],
        cross_attention_dim: 2048,
        addition_embed_type: "text_time",
        addition_time_embed_dim: 256,
        projection_class_embeddings_input_dim: 2816,
      },
    ],
    [
      "refiner",
      {
        block_out_channels: [384, 768, 1536, 1536],
        down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        attention_head_dim: [6, 12, 24, 24],
        cross_attention_dim: 1280,
        addition_time_embed_dim: 256,
        projection_class_embeddings_input_dim: 2560,
      },
    ],
    [
      "upscaler",
      {
        in_channels: 7,
        block_out_channels: [256, 512, 512, 1024],
        down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        attention_head_dim: 8,
        num_class_embeds: 1000,
        only_cross_attention: [true, true, true, false],
      },
    ],
  ] as const)("%s: the UNet's configuration is the published one", async (name, expected) => {
    // without transformers there is nothing to tell of the upscaler's finest resolution, and nothing hangs on it
    const free = name === "upscaler" ? { only_cross_attention: [false, true, true, false] } : {};
    expect(await json(await open(publishedFiles[name]), "unet/config.json")).toMatchObject({ ...expected, ...free });
  });

  it.each([
    [
      "sd1",
      "text_encoder",
      { hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12, hidden_act: "quick_gelu" },
    ],
    ["sd2", "text_encoder", { hidden_size: 1024, num_hidden_layers: 23, num_attention_heads: 16, hidden_act: "gelu" }],
    [
      "sdxl",
      "text_encoder_2",
      { hidden_size: 1280, num_hidden_layers: 32, num_attention_heads: 20, projection_dim: 1280 },
    ],
    ["sdxl", "vae", { scaling_factor: 0.13025, block_out_channels: [128, 256, 512, 512] }],
    ["refiner", "text_encoder_2", { num_hidden_layers: 32, eos_token_id: 2, intermediate_size: 5120 }],
    ["upscaler", "vae", { scaling_factor: 0.08333, block_out_channels: [128, 256, 512] }],
  ] as const)("%s: so is that of its %s", async (name, part, expected) => {
    expect(await json(await open(publishedFiles[name]), `${part}/config.json`)).toMatchObject(expected);
  });
});

describe("the pipeline and its sampler", () => {
  const channels = (unet: keyof typeof publishedUNets, inChannels: number): Shapes => ({
    ...publishedFiles[unet],
    ...unetShapes({ ...publishedUNets[unet], inChannels }),
  });
  const guided = { ...publishedFiles.sd1, "model.diffusion_model.time_embedding.cond_proj.weight": [320, 256] };
  const noise = { prediction_type: "epsilon" };
  const velocity = { prediction_type: "v_prediction" };

  it.each([
    ["SD 1", publishedFiles.sd1, {}, "StableDiffusionPipeline", "PNDMScheduler", noise],
    ["SD 1 inpainting", channels("sd1", 9), {}, "StableDiffusionInpaintPipeline", "PNDMScheduler", noise],
    [
      "instruct-pix2pix",
      channels("sd1", 8),
      {},
      "StableDiffusionInstructPix2PixPipeline",
      "EulerAncestralDiscreteScheduler",
      noise,
    ],
    ["LCM", guided, {}, "LatentConsistencyModelPipeline", "LCMScheduler", { original_inference_steps: 50 }],
    ["SD 2 at 768", publishedFiles.sd2, {}, "StableDiffusionPipeline", "DDIMScheduler", velocity],
    [
      "SD 2 at 512",
      publishedFiles.sd2,
      { numbers: { global_step: 875000 } },
      "StableDiffusionPipeline",
      "PNDMScheduler",
      noise,
    ],
    [
      "SD 2 that says so",
      publishedFiles.sd2,
      { metadata: { "modelspec.prediction_type": "epsilon" } },
      "StableDiffusionPipeline",
      "PNDMScheduler",
      noise,
    ],
    ["SD 2 inpainting", channels("sd2", 9), {}, "StableDiffusionInpaintPipeline", "PNDMScheduler", noise],
    [
      "SDXL",
      publishedFiles.sdxl,
      {},
      "StableDiffusionXLPipeline",
      "EulerDiscreteScheduler",
      { ...noise, timestep_spacing: "leading" },
    ],
    [
      "SDXL of velocity",
      publishedFiles.sdxl,
      { numbers: { v_pred: 1 } },
      "StableDiffusionXLPipeline",
      "EulerDiscreteScheduler",
      velocity,
    ],
    [
      "SDXL with zero terminal SNR",
      publishedFiles.sdxl,
      { numbers: { v_pred: 1, ztsnr: 1 } },
      "StableDiffusionXLPipeline",
      "EulerDiscreteScheduler",
      { ...velocity, rescale_betas_zero_snr: true },
    ],
    ["SDXL inpainting", channels("sdxl", 9), {}, "StableDiffusionXLInpaintPipeline", "EulerDiscreteScheduler", noise],
    ["the refiner", publishedFiles.refiner, {}, "StableDiffusionXLImg2ImgPipeline", "EulerDiscreteScheduler", noise],
    [
      "the upscaler",
      publishedFiles.upscaler,
      {},
      "StableDiffusionUpscalePipeline",
      "DDIMScheduler",
      { ...velocity, beta_end: 0.02 },
    ],
  ])("of %s", async (_, shapes, extras, pipeline, scheduler, settings) => {
    const model = await singleFileModel(headerOnlyFile(shapes, extras));
    const index = await json(model, "model_index.json");
    expect(index).toMatchObject({ _class_name: pipeline, scheduler: ["diffusers", scheduler] });
    const sampler = await json(model, "scheduler/scheduler_config.json");
    expect(sampler).toMatchObject({ _class_name: scheduler, beta_schedule: "scaled_linear", ...settings });
    expect(model.strayTensors).toEqual([]);
  });

  it("says what is assumed of SD 2, and takes the caller's word", async () => {
    const assumed = await open(publishedFiles.sd2);
    expect(assumed.assumptions.get("scheduler")).toContain('prediction_type: "epsilon"');
    const told = await open(publishedFiles.sd2, { config: { scheduler: { prediction_type: "epsilon" } } });
    expect(told.assumptions).toEqual(new Map());
    expect(await json(told, "scheduler/scheduler_config.json")).toMatchObject({ prediction_type: "epsilon" });
    expect(await json(told, "unet/config.json")).toMatchObject({ sample_size: 64 });
  });

  it("marks what SDXL's parts need beside their networks", async () => {
    const base = await json(await open(publishedFiles.sdxl), "model_index.json");
    expect(base).toMatchObject({ force_zeros_for_empty_prompt: true, tokenizer_2: ["transformers", "CLIPTokenizer"] });
    const refiner = await json(await open(publishedFiles.refiner), "model_index.json");
    expect(refiner).toMatchObject({ requires_aesthetics_score: true, text_encoder: [null, null] });
  });
});

describe("tokenizers", () => {
  it.each([
    ["sd1", "tokenizer", "<|endoftext|>"],
    ["sd2", "tokenizer", "!"],
    ["sdxl", "tokenizer", "<|endoftext|>"],
    ["sdxl", "tokenizer_2", "!"],
    ["refiner", "tokenizer_2", "!"],
  ] as const)("of %s: %s pads with %s", async (name, folder, padToken) => {
    const model = await open(publishedFiles[name]);
    expect(await json(model, `${folder}/tokenizer_config.json`)).toMatchObject({ pad_token: padToken });
    expect((await model.at(folder).find("merges.txt"))?.size).toBe(524_619);
    expect(await model.at(folder).find("added_tokens.json")).toBeUndefined();
  });
});

describe("networks alone", () => {
  it.each([
    ["a UNet", unetShapes(publishedUNets.sd1), "unet", "sd1"],
    ["a UNet without prefix", unetShapes(publishedUNets.sdxl, ""), "unet", "sdxl"],
    ["the refiner's UNet", unetShapes(publishedUNets.refiner, ""), "unet", "sdxl-refiner"],
    ["a VAE", vaeShapes(""), "vae", undefined],
    [
      "a VAE with its training",
      { ...vaeShapes(""), "loss.logvar": [], "loss.discriminator.main.0.weight": [64, 3, 4, 4] },
      "vae",
      undefined,
    ],
    ["a VAE with its prefix", vaeShapes(), "vae", undefined],
    ["a VAE as programs prefix it", vaeShapes("vae."), "vae", undefined],
  ] as const)("%s", async (_, shapes, part, family) => {
    const model = await open(shapes);
    expect([model.parts, model.family, model.strayTensors]).toEqual([[part], family, []]);
    expect(await unusedTensors(model, part)).toEqual([]);
  });

  it("a UNet is a pipeline's that lacks its other parts", async () => {
    const model = await open(unetShapes(publishedUNets.sdxl));
    expect(await json(model, "model_index.json")).toMatchObject({ _class_name: "StableDiffusionXLPipeline" });
    await expect(model.at("vae").find("config.json")).rejects.toMatchObject({
      code: "unsupported-model",
      message: "model.safetensors (Stable Diffusion XL) holds no vae, only unet; take it from another file",
    });
  });

  it.each(["control_model.", ""])("a ControlNet under %j", async (prefix) => {
    const model = await open(controlNetShapes(publishedUNets.sd1, prefix));
    expect([model.parts, model.family]).toEqual([["controlnet"], "sd1"]);
    // config.json of lllyasviel/control_v11p_sd15_canny
    expect(await json(model, "controlnet/config.json")).toMatchObject({
      _class_name: "ControlNetModel",
      block_out_channels: [320, 640, 1280, 1280],
      conditioning_channels: 3,
      conditioning_embedding_out_channels: [16, 32, 96, 256],
      cross_attention_dim: 768,
      attention_head_dim: 8,
      layers_per_block: 2,
    });
    expect(await unusedTensors(model, "controlnet")).toEqual([]);
  });

  it("a ControlNet of SDXL", async () => {
    const model = await open(controlNetShapes(publishedUNets.sdxl, ""));
    expect([model.parts, model.family]).toEqual([["controlnet"], "sdxl"]);
    expect(await unusedTensors(model, "controlnet")).toEqual([]);
  });

  it("a ControlNet beside its model", async () => {
    const model = await open({ ...publishedFiles.sd1, ...controlNetShapes(publishedUNets.sd1) });
    expect(model.parts).toEqual(["unet", "controlnet", "vae", "text_encoder"]);
  });

  it("an autoencoder alone says whose scale is assumed; a wider one asks for it", async () => {
    const vae = await open(vaeShapes(""));
    expect(vae.assumptions.get("vae")).toContain("scaling_factor: 0.13025");
    expect(await json(vae, "vae/config.json")).toMatchObject({ scaling_factor: 0.18215 });
    const told = await open(vaeShapes(""), { config: { vae: { scaling_factor: 0.13025 } } });
    expect(told.assumptions).toEqual(new Map());
    expect(await json(told, "vae/config.json")).toMatchObject({ scaling_factor: 0.13025 });
    const wide = { ...vaeShapes(""), "decoder.conv_in.weight": [512, 16, 3, 3] };
    await expect(json(await open(wide), "vae/config.json")).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringContaining("pass config: { vae: { scaling_factor: … } }"),
    });
  });

  it("a pruned SD 2 keeps the 23 blocks that it has", async () => {
    const model = await open({
      ...unetShapes(publishedUNets.sd2),
      ...openClipShapes("cond_stage_model.model.", 1024, 23),
    });
    expect(await json(model, "text_encoder/config.json")).toMatchObject({ num_hidden_layers: 23 });
  });
});
