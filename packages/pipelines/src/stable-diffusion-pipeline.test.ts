import { loadImage } from "@latentkit/images";
import { UNet2DConditionModel } from "@latentkit/models";
import { schedulerFromConfig, stableDiffusionConfig } from "@latentkit/schedulers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

interface Case {
  readonly name: string;
  readonly pipeline: string;
  readonly unet: string;
  readonly prompts: readonly string[];
  readonly negative_prompt: string;
  readonly seed: number | readonly number[];
  readonly clip_skip: number | null;
  readonly scheduler: Record<string, unknown>;
  readonly timesteps: readonly number[];
  readonly images: readonly string[];
  readonly measured_vs_double: { readonly latents_abs: number };
  readonly arguments: {
    readonly num_inference_steps: number;
    readonly guidance_scale: number;
    readonly guidance_rescale?: number;
    readonly num_images_per_prompt?: number;
    readonly eta?: number;
    readonly height: number;
    readonly width: number;
  };
}

// Made by Diffusers 0.32.2 on torch 1.13 (CPU, float32) from the same folder, prompts and seeds; see fixtures/README.md.
const { cases: all } = goldenJson<{ cases: readonly Case[] }>("pipelines/runs/cases.json");
// checkpoints of latent consistency models open here too, and with the same settings give the same pictures
const cases = all.filter(({ pipeline }) =>
  ["StableDiffusionPipeline", "LatentConsistencyModelPipeline"].includes(pipeline),
);
const folder = `${fixtures}pipelines/tiny-sd`;

let pipe: StableDiffusionPipeline;
beforeAll(async () => {
  pipe = await StableDiffusionPipeline.fromPretrained(folder, { device: "cpu" });
});
afterAll(() => pipe.dispose());

/** The pipeline of a case: another sampler, sometimes another UNet, the rest shared. */
async function pipelineOf(run: Case): Promise<{ pipeline: StableDiffusionPipeline; free: () => Promise<void> }> {
  const scheduler = schedulerFromConfig(stableDiffusionConfig(run.scheduler));
  if (run.unet === "unet")
    return { pipeline: new StableDiffusionPipeline({ ...pipe.components, scheduler }), free: async () => {} };
  const unet = await UNet2DConditionModel.fromPretrained(`${fixtures}pipelines/tiny-lcm-unet`, { device: "cpu" });
  return { pipeline: new StableDiffusionPipeline({ ...pipe.components, unet, scheduler }), free: () => unet.dispose() };
}

describe("the pictures of Diffusers, from prompt and seed", () => {
  it.each(cases)("$name", async (run) => {
    const tensors = goldenTensors(`pipelines/runs/${run.name}.safetensors`);
    const { pipeline, free } = await pipelineOf(run);
    const { arguments: given } = run;
    const latents: number[] = [];
    const timesteps: number[] = [];
    const result = await pipeline.generate({
      prompt: run.prompts,
      negativePrompt: run.negative_prompt,
      seed: run.seed,
      ...(run.clip_skip !== null && { clipSkip: run.clip_skip }),
      numInferenceSteps: given.num_inference_steps,
      guidanceScale: given.guidance_scale,
      guidanceRescale: given.guidance_rescale ?? 0,
      numImagesPerPrompt: given.num_images_per_prompt ?? 1,
      eta: given.eta ?? 0,
      height: given.height,
      width: given.width,
      onStep: (step) => {
        timesteps.push(step.timestep);
        latents.push(maxDifference(step.latents, golden(tensors, `latents.step${step.index}`)));
      },
    });
    await free();
    expect(timesteps.length).toBe(run.timesteps.length);
    for (const [i, timestep] of timesteps.entries()) expect(timestep).toBeCloseTo(run.timesteps[i]!, 3);
    // ten times what the reference itself differs from the same run in double precision
    expect(Math.max(...latents)).toBeLessThan(10 * run.measured_vs_double.latents_abs);
    expect(result.images.length).toBe(run.images.length);
    for (const [i, name] of run.images.entries()) {
      const reference = await loadImage(`${fixtures}pipelines/runs/${name}`);
      const image = result.images[i]!;
      expect([image.width, image.height]).toEqual([given.width, given.height]);
      expect(Math.max(...image.data.map((value, at) => Math.abs(value - reference.data[at]!)))).toBeLessThanOrEqual(1);
    }
  });
});
