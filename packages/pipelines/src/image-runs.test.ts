import { loadImage } from "@latentkit/images";
import { UNet2DConditionModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { schedulerFromConfig, stableDiffusionConfig } from "@latentkit/schedulers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import type { GenerateResult } from "./pipeline.js";
import type { RunOptions } from "./run-options.js";
import { StableDiffusionImg2ImgPipeline } from "./stable-diffusion-img2img-pipeline.js";
import { StableDiffusionInpaintPipeline } from "./stable-diffusion-inpaint-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

interface Case {
  readonly name: string;
  readonly pipeline: string;
  readonly unet: string;
  readonly prompts: readonly string[];
  readonly negative_prompt: string;
  readonly seed: number;
  readonly scheduler: Record<string, unknown>;
  readonly timesteps: readonly number[];
  readonly images: readonly [string];
  readonly tensors: readonly string[];
  readonly measured_vs_double: { readonly latents_abs: number };
  readonly arguments: {
    readonly strength: number;
    readonly num_inference_steps: number;
    readonly guidance_scale: number;
    readonly height?: number;
    readonly width?: number;
  };
}

// Made by Diffusers 0.32.2 on torch 1.13 (CPU, float32) from the same folder, prompts, picture, mask and seeds.
const { cases: all } = goldenJson<{ cases: readonly Case[] }>("pipelines/runs/cases.json");
const isOf = (pipeline: string) => (run: Case) => run.pipeline === pipeline;
const folder = `${fixtures}pipelines/`;
const image = `${folder}inputs/image.png`;
const maskImage = `${folder}inputs/mask.png`;

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
let base: StableDiffusionPipeline;
let inpaintUnet: UNet2DConditionModel;
beforeAll(async () => {
  base = await StableDiffusionPipeline.fromPretrained(`${folder}tiny-sd`, { backend });
  inpaintUnet = await UNet2DConditionModel.fromPretrained(`${folder}tiny-inpaint-unet`, { backend });
});
afterAll(async () => {
  await base.dispose();
  await inpaintUnet.dispose();
});

async function check(run: Case, generate: (options: RunOptions) => Promise<GenerateResult>): Promise<void> {
  const tensors = goldenTensors(`pipelines/runs/${run.name}.safetensors`);
  const latents: number[] = [];
  const timesteps: number[] = [];
  const result = await generate({
    seed: run.seed,
    onStep: (step) => {
      timesteps.push(step.timestep);
      latents.push(maxDifference(step.latents, golden(tensors, `latents.step${step.index}`)));
    },
  });
  expect(timesteps.length).toBe(run.timesteps.length);
  for (const [i, timestep] of timesteps.entries()) expect(timestep).toBeCloseTo(run.timesteps[i]!, 3);
  // ten times what the reference itself differs from the same run in double precision
  expect(Math.max(...latents)).toBeLessThan(10 * run.measured_vs_double.latents_abs);
  const reference = await loadImage(`${folder}runs/${run.images[0]}`);
  const [found] = result.images;
  expect([found?.width, found?.height]).toEqual([reference.width, reference.height]);
  const differences = reference.data.map((value, at) => Math.abs(value - (found?.data[at] ?? Number.NaN)));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
}

function optionsOf(run: Case) {
  const { strength, num_inference_steps, guidance_scale, height, width } = run.arguments;
  return {
    prompt: run.prompts,
    negativePrompt: run.negative_prompt,
    image,
    strength,
    numInferenceSteps: num_inference_steps,
    guidanceScale: guidance_scale,
    ...(height && width && { height, width }),
  };
}

const schedulerOf = (run: Case) => schedulerFromConfig(stableDiffusionConfig(run.scheduler));

describe("the pictures of Diffusers, from picture, prompt and seed", () => {
  it.each(all.filter(isOf("StableDiffusionImg2ImgPipeline")))("$name", async (run) => {
    const pipe = StableDiffusionImg2ImgPipeline.fromPipe(base, { scheduler: schedulerOf(run) });
    await check(run, (options) => pipe.generate({ ...optionsOf(run), ...options }));
  });

  it.each(all.filter(isOf("StableDiffusionInpaintPipeline")))("$name", async (run) => {
    const unet = run.unet === "unet9" ? inpaintUnet : base.components.unet;
    const pipe = StableDiffusionInpaintPipeline.fromPipe(base, { scheduler: schedulerOf(run), unet });
    await check(run, (options) => pipe.generate({ ...optionsOf(run), maskImage, ...options }));
  });
});
