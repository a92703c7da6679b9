import { type Tensor, tensor, torchRandom, zeros } from "@latentkit/core";
import { cropImage, loadImage, RgbaImage } from "@latentkit/images";
import { ControlNetModel, T2IAdapter, UNet2DConditionModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { schedulerFromConfig, stableDiffusionConfig } from "@latentkit/schedulers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changedNetwork } from "../../../tests/changed-network.js";
import { moreChannels } from "../../../tests/conv-channels.js";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import type { GenerateResult } from "./pipeline.js";
import type { RunOptions } from "./run-options.js";
import { StableDiffusionAdapterPipeline } from "./stable-diffusion-adapter-pipeline.js";
import { StableDiffusionControlNetImg2ImgPipeline } from "./stable-diffusion-controlnet-img2img-pipeline.js";
import { StableDiffusionControlNetInpaintPipeline } from "./stable-diffusion-controlnet-inpaint-pipeline.js";
import { StableDiffusionControlNetPipeline } from "./stable-diffusion-controlnet-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionXLAdapterPipeline } from "./stable-diffusion-xl-adapter-pipeline.js";
import { StableDiffusionXLControlNetImg2ImgPipeline } from "./stable-diffusion-xl-controlnet-img2img-pipeline.js";
import { StableDiffusionXLControlNetInpaintPipeline } from "./stable-diffusion-xl-controlnet-inpaint-pipeline.js";
import { StableDiffusionXLControlNetPipeline } from "./stable-diffusion-xl-controlnet-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

interface Case {
  readonly name: string;
  readonly pipeline: string;
  readonly seed: number;
  /** As Diffusers takes them. */
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly scheduler: Record<string, unknown>;
  readonly networks: readonly string[];
  readonly control: readonly string[];
  readonly unet?: string;
  readonly pictures: number;
}

// Made by Diffusers' own pipelines; see fixtures/README.md.
const { cases } = goldenJson<{ cases: readonly Case[] }>("pipelines/controlled/cases.json");
const reference = goldenTensors("pipelines/controlled/controlled.safetensors");
const folder = `${fixtures}pipelines/`;
const backend = await onnxruntimeNode({ device: "cpu", worker: false });

const tinyControl = (config: Readonly<Record<string, unknown>> = {}) =>
  ControlNetModel.fromPretrained(changedNetwork("pipelines/tiny-controlnet", { config, tensors: () => ({}) }), {
    backend,
  });

/** The fixture's network of SDXL, for an autoencoder of three halvings in place of two. */
function xlControl(): Promise<ControlNetModel> {
  const drawn = (i: number): Tensor => {
    const { data, shape } = torchRandom(i).normal([8, 8, 3, 3]);
    return tensor(
      data.map((value) => Math.fround(0.2) * value),
      shape,
    );
  };
  const tensors = [4, 5].flatMap((i) => {
    const name = `controlnet_cond_embedding.blocks.${i}`;
    return [[`${name}.weight`, drawn(i)] as const, [`${name}.bias`, zeros([8])] as const];
  });
  const change = {
    config: { conditioning_embedding_out_channels: [4, 6, 8, 8] },
    tensors: () => Object.fromEntries(tensors),
  };
  return ControlNetModel.fromPretrained(changedNetwork("models/controlnet_xl", change), { backend });
}

/** The UNet of tiny-sd with five more channels to see. */
function inpaintUnet(): Promise<UNet2DConditionModel> {
  const { data, shape } = torchRandom(4).normal([8, 5, 3, 3]);
  const more = tensor(
    data.map((value) => Math.fround(0.2) * value),
    shape,
  );
  const change = {
    config: { in_channels: 9 },
    tensors: (have: (name: string) => Tensor) => ({ "conv_in.weight": moreChannels(have("conv_in.weight"), more) }),
  };
  return UNet2DConditionModel.fromPretrained(changedNetwork("pipelines/tiny-sd/unet", change), { backend });
}

const openAdapter = (name: string) => T2IAdapter.fromPretrained(`${fixtures}models/${name}`, { backend });

let sd: StableDiffusionPipeline;
let xl: StableDiffusionXLPipeline;
let controls: Record<string, ControlNetModel>;
let adapters: Record<string, T2IAdapter>;
let inpaint: UNet2DConditionModel;
beforeAll(async () => {
  sd = await StableDiffusionPipeline.fromPretrained(`${folder}tiny-sd`, { backend });
  xl = await StableDiffusionXLPipeline.fromPretrained(`${folder}tiny-sdxl`, { backend });
  controls = {
    tiny: await tinyControl(),
    pooled: await tinyControl({ global_pool_conditions: true }),
    xl: await xlControl(),
  };
  adapters = {
    full: await openAdapter("t2i_full"),
    light: await openAdapter("t2i_light"),
    "xl adapter": await openAdapter("t2i_xl"),
  };
  inpaint = await inpaintUnet();
}, 60_000);
afterAll(() =>
  Promise.all([sd, xl, inpaint, ...Object.values(controls), ...Object.values(adapters)].map((part) => part.dispose())),
);

async function picture(name: string): Promise<RgbaImage> {
  const control = await loadImage(`${folder}inputs/control.png`);
  if (name === "odd") return cropImage(control, { left: 3, top: 2, width: 50, height: 59 });
  return name === "flipped" ? flipped(control) : control;
}

function flipped({ width, height, data }: RgbaImage): RgbaImage {
  const mirrored = Uint8Array.from(data, (_, i) => {
    const [row, column] = [Math.floor(i / (4 * width)), Math.floor(i / 4) % width];
    return data[4 * (row * width + width - 1 - column) + (i % 4)]!;
  });
  return new RgbaImage({ width, height, data: mirrored });
}

const camelCase = (key: string): string => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Runs a case's own pipeline with its networks and sampler. */
async function generate(run: Case, options: RunOptions): Promise<GenerateResult> {
  const image = `${folder}inputs/image.png`;
  const maskImage = `${folder}inputs/mask.png`;
  const pictures = await Promise.all(run.control.map(picture));
  const controlImage = pictures.length === 1 ? pictures[0]! : pictures;
  const controlled = { prompt: "a photo of a cat", controlImage, ...options };
  const scheduler = schedulerFromConfig(
    run.pipeline.includes("XL") ? run.scheduler : stableDiffusionConfig(run.scheduler),
  );
  const controlnet = run.networks.flatMap((name) => controls[name] ?? []);
  const adapter = run.networks.flatMap((name) => adapters[name] ?? []);
  const parts = { scheduler, controlnet: controlnet.length === 1 ? controlnet[0]! : controlnet };
  switch (run.pipeline) {
    case "StableDiffusionControlNetPipeline":
      return StableDiffusionControlNetPipeline.fromPipe(sd, parts).generate(controlled);
    case "StableDiffusionControlNetImg2ImgPipeline":
      return StableDiffusionControlNetImg2ImgPipeline.fromPipe(sd, parts).generate({ ...controlled, image });
    case "StableDiffusionControlNetInpaintPipeline": {
      const all = { ...parts, unet: run.unet ? inpaint : sd.components.unet };
      const pipe = StableDiffusionControlNetInpaintPipeline.fromPipe(sd, all);
      return pipe.generate({ ...controlled, image, maskImage });
    }
    case "StableDiffusionXLControlNetPipeline":
      return StableDiffusionXLControlNetPipeline.fromPipe(xl, parts).generate(controlled);
    case "StableDiffusionXLControlNetImg2ImgPipeline":
      return StableDiffusionXLControlNetImg2ImgPipeline.fromPipe(xl, parts).generate({ ...controlled, image });
    case "StableDiffusionXLControlNetInpaintPipeline":
      return StableDiffusionXLControlNetInpaintPipeline.fromPipe(xl, parts).generate({
        ...controlled,
        image,
        maskImage,
      });
    case "StableDiffusionAdapterPipeline":
      return StableDiffusionAdapterPipeline.fromPipe(sd, { scheduler, adapter }).generate(controlled);
    default:
      return StableDiffusionXLAdapterPipeline.fromPipe(xl, { scheduler, adapter }).generate(controlled);
  }
}

describe("the runs of Diffusers that are steered by pictures", () => {
  it.each(cases)("$name", async (run) => {
    const given = Object.fromEntries(Object.entries(run.arguments).map(([key, value]) => [camelCase(key), value]));
    const { images, latents } = await generate(run, { ...given, seed: run.seed });
    expect(maxDifference(latents, golden(reference, run.name))).toBeLessThan(1e-4);
    expect(images.length).toBe(run.pictures);
    for (const [i, image] of images.entries()) {
      const expected = await loadImage(`${folder}controlled/${run.name}_${i}.png`);
      expect([image.width, image.height]).toEqual([expected.width, expected.height]);
      const differences = expected.data.map((value, at) => Math.abs(value - (image.data[at] ?? Number.NaN)));
      expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    }
  });
});

interface Run {
  readonly name: string;
  readonly pipeline: string;
  readonly prompts: readonly string[];
  readonly negative_prompt: string;
  readonly seed: number;
  readonly scheduler: Record<string, unknown>;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly measured_vs_double: { readonly latents_abs: number };
}

// By Diffusers 0.32.2 on torch 1.13 (CPU, float32).
const runs = goldenJson<{ cases: readonly Run[] }>("pipelines/runs/cases.json").cases.filter(
  ({ pipeline }) => pipeline === "StableDiffusionControlNetPipeline",
);

describe("the same, step by step", () => {
  it.each(runs)("$name", async (run) => {
    const tensors = goldenTensors(`pipelines/runs/${run.name}.safetensors`);
    const scheduler = schedulerFromConfig(stableDiffusionConfig(run.scheduler));
    const pipe = StableDiffusionControlNetPipeline.fromPipe(sd, { controlnet: controls.tiny!, scheduler });
    const given = Object.fromEntries(Object.entries(run.arguments).map(([key, value]) => [camelCase(key), value]));
    const differences: number[] = [];
    const { images } = await pipe.generate({
      ...given,
      prompt: run.prompts,
      negativePrompt: run.negative_prompt,
      image: `${folder}inputs/control.png`,
      seed: run.seed,
      onStep: ({ index, latents }) =>
        void differences.push(maxDifference(latents, golden(tensors, `latents.step${index}`))),
    });
    // ten times what the reference itself differs from the same run in double precision
    expect(Math.max(...differences)).toBeLessThan(10 * run.measured_vs_double.latents_abs);
    const expected = await loadImage(`${folder}runs/${run.name}.png`);
    const off = expected.data.map((value, at) => Math.abs(value - (images[0]?.data[at] ?? Number.NaN)));
    expect(Math.max(...off)).toBeLessThanOrEqual(1);
  });
});
