import { torchRandom, zeros } from "@latentkit/core";
import { UNet2DConditionModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { DDIMScheduler } from "@latentkit/schedulers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changedNetwork } from "../../../tests/changed-network.js";
import { exportedFolder, optimum } from "../../../tests/exported-folders.js";
import { fixtures, golden, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { classifierFree } from "./guidance.js";
import { guided } from "./guided.js";
import { interval } from "./interval.js";
import { perturbedAttention } from "./perturbed-attention.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

const reference = goldenTensors("pipelines/perturbed/perturbed.safetensors");
const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const prompt = "a photo of a cat";

let sd: StableDiffusionPipeline;
let xl: StableDiffusionXLPipeline;
beforeAll(async () => {
  sd = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
  xl = await StableDiffusionXLPipeline.fromPretrained(`${fixtures}pipelines/tiny-sdxl`, { backend });
  for (const pipe of [sd, xl]) pipe.scheduler = DDIMScheduler.fromConfig(pipe.scheduler.config);
}, 60_000);
afterAll(() => Promise.all([sd.dispose(), xl.dispose()]));

// By Diffusers 0.40.0.dev0 (StableDiffusionPAGPipeline and its XL twin, pag_applied_layers="mid", DDIM in 4 steps) on
// torch 2.13, CPU, float32, from the folders here.
describe("the latents of Diffusers", () => {
  const run = { prompt, numInferenceSteps: 4, outputType: "latent" } as const;
  it.each([
    ["guided", { guidance: perturbedAttention(3, 5), negativePrompt: "blurry", height: 48, width: 64, seed: 1 }],
    ["unguided", { guidance: perturbedAttention(2), numImagesPerPrompt: 2, height: 40, width: 64, seed: 2 }],
    ["adaptive", { guidance: perturbedAttention(3, 7.5, { adaptiveScale: 0.005 }), height: 32, width: 48, seed: 3 }],
  ])("%s", async (name, options) => {
    const { latents } = await sd.generate({ ...run, ...options });
    expect(maxDifference(latents, golden(reference, name))).toBeLessThan(1e-4);
  });

  it("of SDXL", async () => {
    const options = { negativePrompt: "blurry", height: 48, width: 64, seed: 4 };
    const { latents } = await xl.generate({ ...run, ...options, guidance: perturbedAttention(3, classifierFree(5)) });
    expect(maxDifference(latents, golden(reference, "xl"))).toBeLessThan(1e-4);
  });

  it("one part of the context after another, and in a part of the run", async () => {
    const options = { ...run, negativePrompt: "blurry", height: 48, width: 64, seed: 1 };
    const { latents } = await sd.generate({ ...options, guidance: perturbedAttention(3, 5), sequentialGuidance: true });
    expect(maxDifference(latents, golden(reference, "guided"))).toBeLessThan(1e-4);
    const early = await sd.generate({ ...options, guidance: interval(perturbedAttention(3, 5), 0, 0.5) });
    expect(maxDifference(early.latents, latents)).toBeGreaterThan(0.01);
  });
});

describe("perturbedAttention", () => {
  const plain = { prompt, numInferenceSteps: 3, height: 40, width: 64, seed: 5, outputType: "latent" } as const;

  it("is the guidance below it at a scale of 0, and asks for nothing more", async () => {
    const base = { ...plain, guidanceScale: 5 };
    const none = await sd.generate({ ...plain, guidance: perturbedAttention(0, 5) });
    expect(none.latents).toEqual((await sd.generate(base)).latents);
    const { latents } = await sd.generate({ ...plain, guidance: perturbedAttention(0) });
    expect(maxDifference(latents, (await sd.generate({ ...plain, guidanceScale: 1 })).latents)).toBeLessThan(1e-5);
  });

  it("ends at the timestep where an adaptive scale is used up", async () => {
    const asked: number[] = [];
    const at = (timestep: number) =>
      perturbedAttention(3, 1, { adaptiveScale: 0.01 })({
        timestep,
        parts: 1,
        conditional: async () => zeros([1, 1, 1, 1]),
        all: async () => [zeros([1, 1, 1, 1])],
        perturbed: async () => {
          asked.push(timestep);
          return zeros([1, 1, 1, 1]);
        },
      });
    for (const timestep of [999, 800, 700, 400]) await at(timestep);
    expect(asked).toEqual([999, 800]);
  });

  it("is refused where the network cannot do it", async () => {
    const told = torchRandom(1);
    const [sample, context] = [told.normal([1, 4, 5, 6]), told.normal([1, 7, 32])];
    const without = changedNetwork("pipelines/tiny-sd/unet", { config: { mid_block_type: null }, tensors: () => ({}) });
    await using middleless = await UNet2DConditionModel.fromPretrained(without, { backend });
    await expect(guided(middleless, sample, 500, context, perturbedAttention(3))).rejects.toThrow(
      new TypeError("perturbedAttention: this network's middle has no self-attention"),
    );
    const folder = await exportedFolder(optimum);
    await using exported = await UNet2DConditionModel.fromPretrained(`${folder}/unet`, { backend });
    await expect(guided(exported, sample, 500, context, perturbedAttention(3))).rejects.toThrow(
      "perturbedAttention: this ONNX export has no inputs for them; open the original checkpoint",
    );
  });

  it("names the argument that is wrong", () => {
    const wrong: [() => unknown, Error][] = [
      [() => perturbedAttention(Number.NaN), new RangeError("pagScale: expected a finite number, got NaN")],
      [
        () => perturbedAttention(3, Number.POSITIVE_INFINITY),
        new RangeError("guidanceScale: expected a finite number, got Infinity"),
      ],
      [
        () => perturbedAttention(3, 5, { adaptiveScale: -1 }),
        new RangeError("adaptiveScale: expected 0 or more, got -1"),
      ],
      [
        // @ts-expect-error: whatever callers without types may give
        () => perturbedAttention(3, "5"),
        new TypeError("guidance: expected a function such as classifierFree(7.5), got 5"),
      ],
    ];
    for (const [make, error] of wrong) expect(make).toThrow(error);
  });
});
