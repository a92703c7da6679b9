import { type Tensor, tensor, torchRandom } from "@latentkit/core";
import type { SplitUNet } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { DDIMScheduler, HeunDiscreteScheduler } from "@latentkit/schedulers";
import { describe, expect, it } from "vitest";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import { deepCached } from "./deep-cache.js";
import type { DeepCacheOptions } from "./deep-cache-options.js";
import { wholeCalls } from "./deep-cache-schedule.js";
import { denoise } from "./denoise.js";
import { classifierFree, type Guidance } from "./guidance.js";
import type { Predictor } from "./guided.js";
import { interval } from "./interval.js";
import { perturbedAttention } from "./perturbed-attention.js";
import { StableDiffusionControlNetPipeline } from "./stable-diffusion-controlnet-pipeline.js";
import { StableDiffusionImg2ImgPipeline } from "./stable-diffusion-img2img-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

// graphs are opened by the dozen: what optimizing them takes is more than it saves
const sessionOptions = { graphOptimizationLevel: "disabled" } as const;
const cpu = await onnxruntimeNode({ device: "cpu", worker: false, threads: 1, sessionOptions });

describe("whole calls", () => {
  it("are the first of each interval", () => {
    expect([...wholeCalls(10, { interval: 3 })]).toEqual([0, 3, 6, 9]);
    expect([...wholeCalls(4, { interval: 1 })]).toEqual([0, 1, 2, 3]);
    expect([...wholeCalls(2, { interval: 5 })]).toEqual([0]);
  });

  // numpy: x = linspace(f(-c, 1/p), f(50-c, 1/p), 11); 0 and trunc(f(x, p))[1:-1] + c with f(x, p) = sign(x)·|x|ᵖ, c = 15, p = 1.4
  it("lie closer together around the center", () => {
    const calls = (center: number, power: number) => [
      ...wholeCalls(50, { interval: 5, nonUniform: { center, power } }),
    ];
    expect(calls(15, 1.4)).toEqual([0, 6, 11, 14, 15, 19, 24, 29, 35, 42]);
    const dense = calls(10, 1.6);
    const gaps = dense.slice(1).map((call, i) => call - dense[i]!);
    expect(dense[0]).toBe(0);
    expect(gaps.indexOf(Math.min(...gaps))).toBeLessThan(5);
    expect(gaps.at(-1)).toBe(Math.max(...gaps));
  });
});

/** A network that writes down its runs: how many items, and whole or on top of which call's deep feature. */
function watched() {
  const runs: string[] = [];
  const plain = async (sample: Tensor) => sample;
  const split = (branch: number): SplitUNet => ({
    branch,
    async whole(sample, timestep, context) {
      runs.push(`whole ${timestep}: ${context.data.join()}`);
      const marks = Float32Array.from(context.data, (text) => Number(timestep) + text);
      return { prediction: sample, deepFeature: tensor(marks, [sample.shape[0]!, 1, 1, 1]) };
    },
    async shallow(sample, timestep, context, deepFeature) {
      runs.push(`shallow ${timestep}: ${context.data.join()} on ${deepFeature.data.join()}`);
      return sample;
    },
  });
  const unet: Predictor = { predict: plain, split };
  return { unet, runs };
}

/** Runs of the network in a run of so many steps at timesteps 750, 500, … whose texts are −1 (negative) and 1. */
async function runsOf(guidance: Guidance, deepCache: DeepCacheOptions, steps: number, sequential = false) {
  const { unet, runs } = watched();
  const scheduler = new DDIMScheduler({ timestepSpacing: "leading" });
  const plan = scheduler.plan({ numInferenceSteps: steps });
  const context = tensor(Float32Array.of(-1, 1), [2, 1, 1]);
  const random = torchRandom(1);
  const run = denoise(unet, plan, plan.start(random.normal([1, 1, 2, 3])), context, {
    guidance,
    deepCache,
    sequential,
    random,
  });
  for await (const _ of run);
  return runs;
}

describe("deepCache", () => {
  it("hands the deep feature of the last whole run to the runs after it", async () => {
    expect(await runsOf(classifierFree(5), { interval: 2 }, 4)).toEqual([
      "whole 750: -1,1",
      "shallow 500: -1,1 on 749,751",
      "whole 250: -1,1",
      "shallow 0: -1,1 on 249,251",
    ]);
    expect(await runsOf(classifierFree(1), { interval: 3 }, 2)).toEqual(["whole 500: 1", "shallow 0: 1 on 501"]);
  });

  it("keeps apart what is predicted one after another", async () => {
    expect(await runsOf(classifierFree(5), { interval: 2 }, 2, true)).toEqual([
      "whole 500: -1",
      "whole 500: 1",
      "shallow 0: -1 on 499",
      "shallow 0: 1 on 501",
    ]);
  });

  it("follows guidance that begins and ends, whole where it lacks a text", async () => {
    expect(await runsOf(interval(5, 0, 0.5), { interval: 4 }, 4)).toEqual([
      "whole 750: -1,1",
      "shallow 500: -1,1 on 749,751",
      "shallow 250: 1 on 751",
      "shallow 0: 1 on 751",
    ]);
    expect(await runsOf(interval(5, 0.5, 1), { interval: 4 }, 4)).toEqual([
      "whole 750: 1",
      "shallow 500: 1 on 751",
      "whole 250: -1,1",
      "shallow 0: -1,1 on 249,251",
    ]);
  });

  it.each([
    [{ interval: 0 }, RangeError, "deepCache.interval: expected a positive integer, got 0"],
    [{ interval: 1.5 }, RangeError, "deepCache.interval: expected a positive integer, got 1.5"],
    [
      { nonUniform: { center: -1, power: 1.4 } },
      RangeError,
      "deepCache.nonUniform.center: expected 0 or a positive integer, got -1",
    ],
    [
      { nonUniform: { center: 1, power: 1 } },
      RangeError,
      "deepCache.nonUniform.power: expected a finite number above 1, got 1",
    ],
  ])("refuses %j", (options, kind, message) => {
    expect(() => deepCached(watched().unet, options, 10)).toThrow(new kind(message));
  });
});

const options = {
  prompt: "a cat",
  seed: 1,
  height: 48,
  width: 64,
  numInferenceSteps: 4,
  outputType: "latent",
} as const;

describe("pipelines with deepCache", () => {
  it.each([
    ["tiny-sd", StableDiffusionPipeline],
    ["tiny-sdxl", StableDiffusionXLPipeline],
  ] as const)("%s gives the same at an interval of 1, and nearly the same at longer ones", async (folder, pipeline) => {
    await using pipe = await pipeline.fromPretrained(`${fixtures}pipelines/${folder}`, { backend: cpu });
    pipe.scheduler = DDIMScheduler.fromConfig(pipe.scheduler.config);
    const { latents } = await pipe.generate(options);
    const difference = async (deepCache: DeepCacheOptions, more: object = {}) =>
      maxDifference((await pipe.generate({ ...options, ...more, deepCache })).latents, latents);
    expect(await difference({ interval: 1 })).toBe(0);
    expect(await difference({ interval: 1 }, { sequentialGuidance: true })).toBeLessThan(1e-4);
    const reused = await difference({ interval: 2 });
    expect(reused).toBeGreaterThan(1e-4);
    // more layers run anew: less is lost
    expect(await difference({ interval: 2, branch: 8 })).toBeLessThan(reused);
  });

  it("works from pictures, at the second pass, and with samplers of two calls", async () => {
    await using pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend: cpu });
    const deepCache = { interval: 1 };
    await using heun = StableDiffusionPipeline.fromPipe(pipe, { scheduler: HeunDiscreteScheduler.fromConfig({}) });
    const twice = { ...options, hiresFix: { scale: 1.5 } };
    expect(await heun.generate({ ...twice, deepCache })).toEqual(await heun.generate(twice));
    const reused = await heun.generate({ ...twice, deepCache: { interval: 3 } });
    expect(reused.latents.shape).toEqual([1, 4, 9, 12]);
    await using again = StableDiffusionImg2ImgPipeline.fromPipe(heun);
    const { numInferenceSteps, prompt, seed, outputType } = options;
    const image = torchRandom(2).uniform([1, 3, 48, 64]);
    const from = { prompt, seed, outputType, numInferenceSteps, image, strength: 0.6 };
    expect(await again.generate({ ...from, deepCache })).toEqual(await again.generate(from));
  });

  it("refuses networks that cannot be cut, before anything is computed", async () => {
    const folder = `${fixtures}pipelines/tiny-sd`;
    await using pipe = await StableDiffusionPipeline.fromPretrained(folder, { backend: cpu });
    const { unet } = pipe.components;
    const whole = { config: unet.config, predict: unet.predict.bind(unet), dispose: async () => {} };
    await using plain = StableDiffusionPipeline.fromPipe(pipe, { unet: whole });
    const message =
      "deepCache: expected a UNet2DConditionModel without ControlNet or T2I-Adapter; this network or pipeline cannot do it";
    expect(() => plain.stream({ ...options, deepCache: {} })).toThrow(new TypeError(message));
    expect(() => pipe.stream({ ...options, deepCache: { branch: 99 } })).toThrow(
      new RangeError("branch: expected an integer from 0 to 11, the network's skip connections, got 99"),
    );
    // @ts-expect-error: a number
    expect(() => pipe.stream({ ...options, deepCache: 3 })).toThrow(
      new TypeError("deepCache: expected an object such as { interval: 3, branch: 0 }, got 3"),
    );
    await expect(
      pipe.generate({ ...options, deepCache: { interval: 2 }, guidance: perturbedAttention(3) }),
    ).rejects.toThrow(TypeError);
    const { ControlNetModel } = await import("@latentkit/models");
    await using controlnet = await ControlNetModel.fromPretrained(`${fixtures}pipelines/tiny-controlnet`, {
      backend: cpu,
    });
    await using controlled = StableDiffusionControlNetPipeline.fromPipe(pipe, { controlnet });
    const controlImage = torchRandom(2).uniform([1, 3, 48, 64]);
    expect(() => controlled.stream({ ...options, controlImage, deepCache: {} })).toThrow(new TypeError(message));
  });
});
