import { type Tensor, torchRandom, weightedSum } from "@latentkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import { classifierFree, type Guidance, rescaled } from "./guidance.js";
import { interval } from "./interval.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

let pipe: StableDiffusionPipeline;
let xl: StableDiffusionXLPipeline;
beforeAll(async () => {
  pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { device: "cpu" });
  xl = await StableDiffusionXLPipeline.fromPretrained(`${fixtures}pipelines/tiny-sdxl`, { device: "cpu" });
});
afterAll(() => Promise.all([pipe.dispose(), xl.dispose()]));

const apple = { prompt: "a red apple", negativePrompt: "blurry", seed: 3, height: 40, width: 64 } as const;
const run = { ...apple, numInferenceSteps: 4, outputType: "latent" } as const;
const latentsOf = async (options: object) => (await pipe.generate({ ...run, ...options })).latents;

describe("the option guidance", () => {
  it("takes the scale as a value", async () => {
    expect(await latentsOf({ guidance: classifierFree(7.5) })).toEqual(await latentsOf({}));
    const contrast = await latentsOf({ guidanceScale: 5, guidanceRescale: 0.7 });
    expect(await latentsOf({ guidance: rescaled(5, 0.7) })).toEqual(contrast);
    expect(await latentsOf({ guidance: interval(7.5, 0, 1) })).toEqual(await latentsOf({}));
  });

  it("halves the work outside an interval", async () => {
    const parts: number[] = [];
    const counted: Guidance = (predictions) => {
      parts.push(predictions.timestep);
      return classifierFree(7.5)(predictions);
    };
    const timesteps: number[] = [];
    const onStep = ({ timestep }: { timestep: number }) => void timesteps.push(timestep);
    const part = await latentsOf({ guidance: interval(counted, 0.3, 0.8), onStep });
    expect(parts).toEqual(timesteps.filter((timestep) => timestep >= 200 && timestep < 700));
    expect([parts.length > 0, parts.length < timesteps.length]).toEqual([true, true]);
    expect(maxDifference(part, await latentsOf({}))).toBeGreaterThan(0.01);
  });

  it("takes a function of the caller's own", async () => {
    const unguided = await latentsOf({
      guidance: ({ conditional }: { conditional(): Promise<Tensor> }) => conditional(),
    });
    const { negativePrompt: _, ...plain } = run;
    // sums in another order
    expect(maxDifference(unguided, (await pipe.generate({ ...plain, guidanceScale: 1 })).latents)).toBeLessThan(1e-5);
    const own: Guidance = async ({ all, parts }) => {
      expect(parts).toBe(2);
      const [negative, positive] = await all();
      return weightedSum([
        [1 - 7.5, negative!],
        [7.5, positive!],
      ]);
    };
    expect(await latentsOf({ guidance: own })).toEqual(await latentsOf({}));
  });

  it("is SDXL's too", async () => {
    const { latents } = await xl.generate(run);
    expect((await xl.generate({ ...run, guidance: classifierFree(5) })).latents).toEqual(latents);
    const late = await xl.generate({ ...run, guidance: interval(5, 0.5, 1) });
    expect(maxDifference(late.latents, latents)).toBeGreaterThan(0.001);
  });

  it.each([
    [{ guidance: classifierFree(7.5), guidanceScale: 7.5 }, "guidanceScale: expected nothing beside guidance, got 7.5"],
    [{ guidance: classifierFree(7.5), guidanceRescale: 0 }, "guidanceRescale: expected nothing beside guidance, got 0"],
    [{ guidance: 7.5 }, "guidance: expected a function such as classifierFree(7.5), got 7.5"],
    [{ guidance: null }, "guidance: expected a function such as classifierFree(7.5), got null"],
  ])("throws for %j", (options, message) => {
    // @ts-expect-error: what callers without types may give
    expect(() => pipe.stream({ ...run, ...options })).toThrow(new TypeError(message));
    // @ts-expect-error: the same
    expect(() => xl.stream({ ...run, ...options })).toThrow(new TypeError(message));
  });
});

describe("steps", () => {
  it("are changed by what next is handed", async () => {
    const other = torchRandom(8).normal([1, 4, 5, 8]);
    const changed = await latentsOf({ onStep: ({ index }: { index: number }) => (index === 1 ? other : undefined) });
    const states = pipe.stream(run);
    let next = await states.next();
    while (!next.done) next = await states.next(next.value.index === 1 ? other : undefined);
    expect(next.value.latents).toEqual(changed);
    expect(maxDifference(changed, await latentsOf({}))).toBeGreaterThan(0.1);
  });
});
