import { randomPerItem, torchCudaRandom, torchRandom } from "@latentkit/core";
import { EulerAncestralDiscreteScheduler } from "@latentkit/schedulers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

let pipe: StableDiffusionPipeline;
beforeAll(async () => {
  pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { device: "cpu" });
  pipe.scheduler = EulerAncestralDiscreteScheduler.fromConfig(pipe.scheduler.config); // draws noise at every step
});
afterAll(() => pipe.dispose());

const two = { prompt: "a red apple", height: 40, width: 64, numInferenceSteps: 3, numImagesPerPrompt: 2 } as const;
const options = { ...two, outputType: "latent" } as const;

// 40 × 64 pixels
const shape = [2, 4, 5, 8];

describe("seedMode", () => {
  it("a1111: the pictures of a batch are those of their seeds alone", async () => {
    const batch = await pipe.generate({ ...options, seed: 5, seedMode: "a1111" });
    expect(batch.seeds).toEqual([5, 6]);
    const random = randomPerItem([torchCudaRandom(5), torchCudaRandom(6)]);
    const { latents } = await pipe.generate({ ...options, random });
    expect(batch.latents).toEqual(latents);
  });

  it("comfy: the steps draw from a generator of their own", async () => {
    const { latents, seeds } = await pipe.generate({ ...options, seed: 5, seedMode: "comfy" });
    expect(seeds).toEqual([5]);
    const noise = torchRandom(5).normal(shape);
    const same = await pipe.generate({ ...options, latents: noise, random: torchCudaRandom(5) });
    expect(latents).toEqual(same.latents);
  });

  it("diffusers: is the default", async () => {
    const { latents } = await pipe.generate({ ...options, seed: 5, seedMode: "diffusers" });
    expect(latents).toEqual((await pipe.generate({ ...options, seed: 5 })).latents);
  });

  it("is refused when unknown, before anything is computed", () => {
    expect(() => pipe.stream({ ...options, seedMode: "forge" as never })).toThrow(/^seedMode: expected one of/);
  });
});
