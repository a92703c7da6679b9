import type { Tensor } from "@latentkit/core";
import { loadImage, RgbaImage } from "@latentkit/images";
import { UNet2DConditionModel, UNet2DModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { schedulerFromConfig } from "@latentkit/schedulers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { DDPMPipeline } from "./ddpm-pipeline.js";
import { LatentConsistencyModelPipeline } from "./latent-consistency-model-pipeline.js";
import type { GenerateResult } from "./pipeline.js";
import type { RunOptions } from "./run-options.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionXLImg2ImgPipeline } from "./stable-diffusion-xl-img2img-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

interface Case {
  readonly name: string;
  readonly pipeline: string;
  readonly unet: string;
  readonly seed: number | readonly number[];
  /** As Diffusers takes them. */
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly scheduler: Record<string, unknown>;
  readonly timesteps: readonly number[];
}

// Made by Diffusers' own pipelines; see fixtures/README.md.
const { cases } = goldenJson<{ cases: readonly Case[] }>("pipelines/families/cases.json");
const reference = goldenTensors("pipelines/families/families.safetensors");
const backend = await onnxruntimeNode({ device: "cpu", worker: false });

let sd: StableDiffusionPipeline;
let xl: StableDiffusionXLPipeline;
beforeAll(async () => {
  sd = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
  xl = await StableDiffusionXLPipeline.fromPretrained(`${fixtures}pipelines/tiny-sdxl`, { backend });
}, 60_000);
afterAll(async () => {
  await sd.dispose();
  await xl.dispose();
});

/** The picture that the reference began from, of 50×59 pixels so that it has to be resized; or the same from right to left. */
async function oddPicture(flipped = false): Promise<RgbaImage> {
  const { width, data } = await loadImage(`${fixtures}pipelines/inputs/image.png`);
  const pixels = Array.from({ length: 59 * 50 }, (_, i) => {
    const x = flipped ? 49 - (i % 50) : i % 50;
    const at = ((Math.floor(i / 50) + 2) * width + x + 3) * 4;
    return [...data.subarray(at, at + 4)];
  });
  return new RgbaImage({ width: 50, height: 59, data: Uint8Array.from(pixels.flat()) });
}

/** What the run of an image-to-image case begins from. */
function imageOf(name: string): Promise<unknown> {
  if (name.includes("denoising_start")) return Promise.resolve(golden(reference, "refiner_denoising_start.input"));
  return name === "xl_img2img_batch" ? Promise.all([oddPicture(), oddPicture(true)]) : oddPicture();
}

const camelCase = (key: string): string => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const prompt = "a photo of a cat";

/** Runs a case's own pipeline with its network and sampler. */
async function generate(run: Case, options: RunOptions): Promise<GenerateResult> {
  const scheduler = schedulerFromConfig(run.scheduler);
  const folder = `${fixtures}pipelines/${run.unet}`;
  const unet = () => UNet2DConditionModel.fromPretrained(folder, { backend });
  switch (run.pipeline) {
    case "StableDiffusionPipeline":
      return StableDiffusionPipeline.fromPipe(sd, { scheduler }).generate({ prompt, ...options });
    case "LatentConsistencyModelPipeline":
      return LatentConsistencyModelPipeline.fromPipe(sd, { scheduler, unet: await unet() }).generate({
        prompt,
        ...options,
      });
    case "StableDiffusionXLPipeline":
      return StableDiffusionXLPipeline.fromPipe(xl, { scheduler }).generate({
        prompt,
        negativePrompt: "blurry",
        ...options,
      });
    case "StableDiffusionXLImg2ImgPipeline":
      return img2img(run, scheduler, options);
    default:
      return new DDPMPipeline({ unet: await UNet2DModel.fromPretrained(folder, { backend }), scheduler }).generate(
        options,
      );
  }
}

async function img2img(run: Case, scheduler: typeof xl.scheduler, options: RunOptions): Promise<GenerateResult> {
  const isRefiner = run.unet === "tiny-refiner-unet";
  const { tokenizer, textEncoder, ...second } = xl.components;
  const parts = isRefiner
    ? {
        ...second,
        unet: await UNet2DConditionModel.fromPretrained(`${fixtures}pipelines/${run.unet}`, { backend }),
        requiresAestheticsScore: true,
      }
    : { ...second, tokenizer, textEncoder };
  const image = (await imageOf(run.name)) as Tensor;
  const pipe = new StableDiffusionXLImg2ImgPipeline({ ...parts, scheduler });
  return pipe.generate({ prompt, negativePrompt: "blurry", image, ...options });
}

describe("the runs of Diffusers", () => {
  it.each(cases)("$name", async (run) => {
    const given = Object.fromEntries(Object.entries(run.arguments).map(([key, value]) => [camelCase(key), value]));
    const timesteps: number[] = [];
    const states: Tensor[] = [];
    const result = await generate(run, {
      ...given,
      seed: run.seed,
      outputType: "tensor",
      onStep: (step) => {
        timesteps.push(step.timestep);
        states.push(step.latents);
        expect([step.index, step.total]).toEqual([timesteps.length - 1, run.timesteps.length]);
      },
    });
    expect(timesteps.length).toBe(run.timesteps.length);
    for (const [i, timestep] of timesteps.entries()) expect(timestep).toBeCloseTo(run.timesteps[i]!, 3);
    for (const [i, latents] of states.entries()) {
      const name = `${run.name}.latents.step${i}`;
      if (reference.has(name)) expect(maxDifference(latents, golden(reference, name)), name).toBeLessThan(1e-4);
    }
    // the reference's pictures are in [0, 1]
    const picture = golden(reference, `${run.name}.image`);
    const { tensor } = result;
    const worst = picture.data.reduce((most, value, i) => {
      const found = Math.min(Math.max((tensor?.data[i] ?? Number.NaN) / 2 + 0.5, 0), 1);
      return Math.max(most, Math.abs(found - value));
    }, 0);
    expect(tensor?.shape).toEqual(picture.shape);
    expect(worst).toBeLessThan(1 / 255 / 10);
  });
});
