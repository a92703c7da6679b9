import { LatentKitError, type Tensor, weightedSum } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { type SchedulerName, schedulerClasses, schedulerNames } from "@latentkit/schedulers";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import { keepingBackend } from "../../../tests/keeping-backend.js";
import { encodePrompt } from "./encode-prompt.js";
import type { GenerateOptions } from "./generate-options.js";
import { interval } from "./interval.js";
import { perturbedAttention } from "./perturbed-attention.js";
import { StableDiffusionImg2ImgPipeline } from "./stable-diffusion-img2img-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

// the graphs that run on a GPU, on the CPU: hosts keep values there too
const cpu = await onnxruntimeNode({ device: "cpu", worker: false });
const gpu = keepingBackend(cpu);
const { traffic } = gpu;
const folder = `${fixtures}pipelines/tiny-sd`;
const here = await StableDiffusionPipeline.fromPretrained(folder, { backend: cpu });
const there = await StableDiffusionPipeline.fromPretrained(folder, { backend: gpu.backend });
const promptEmbeds = await encodePrompt(here.components, ["a red apple"]);
const negativePromptEmbeds = await encodePrompt(here.components, ["blurry"]);

const options: GenerateOptions = {
  promptEmbeds,
  negativePromptEmbeds,
  seed: 3,
  height: 48,
  width: 64,
  numInferenceSteps: 6,
  outputType: "latent",
};
const size = 4 * 6 * 8;
const lost = () => new LatentKitError("device-lost", "the GPU's device was lost (destroyed)");

function use(name: SchedulerName): void {
  for (const pipe of [here, there]) pipe.scheduler = schedulerClasses[name].fromConfig(pipe.scheduler.config);
}

beforeEach(() => {
  use("EulerAncestralDiscreteScheduler");
  gpu.fail = () => undefined;
  Object.assign(traffic, { fetched: 0, kept: 0, runs: 0, opened: 0, texts: 0 });
});
afterAll(async () => {
  // everything that was kept has been freed
  expect(traffic.alive).toBe(0);
  await Promise.all([here.dispose(), there.dispose()]);
  expect(traffic.textsAlive).toBe(0);
});

const largest = ({ data }: Tensor): number => data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** To float32 rounding, relative to the largest value. */
function expectClose(found: Tensor, expected: Tensor): void {
  expect(maxDifference(found, expected)).toBeLessThan(2e-5 * largest(expected));
}

/** Draws on both sides, and compares. */
async function expectSame(changed: Partial<GenerateOptions> = {}): Promise<void> {
  const { latents: expected } = await here.generate({ ...options, ...changed });
  const { latents } = await there.generate({ ...options, ...changed });
  expectClose(latents, expected);
}

const classes = [...new Set(schedulerNames.map(({ className }) => className))];

describe("a run that leaves its latents on the device", () => {
  it.each(classes)("draws the same with %s, and fetches the last latents only", async (name) => {
    use(name);
    await expectSame();
    const { timesteps } = there.scheduler.plan({ numInferenceSteps: 6 });
    expect(traffic).toMatchObject({ fetched: size, runs: 0 });
    // what the network takes first, then the network's run and one of sums for each step
    expect(traffic.kept).toBe(1 + 2 * timesteps.length);
  });

  it.each([
    ["no guidance", { guidanceScale: 1 }],
    ["guidance in an interval", { guidance: interval(7.5, 0.2, 0.8) }],
    ["perturbed attention", { guidance: perturbedAttention(3, interval(5, 0, 0.5)) }],
    ["several pictures", { numImagesPerPrompt: 2, seed: [5, 6] }],
    ["a second pass", { hiresFix: { scale: 1.5, numInferenceSteps: 3 } }],
  ] as const)("draws the same with %s", async (_, changed) => {
    await expectSame(changed);
    expect(traffic.runs).toBe(0);
  });

  it.each([
    ["rescaled guidance", { guidanceRescale: 0.7 }],
    [
      "a guidance of the caller's",
      { guidance: async ({ all }) => weightedSum((await all()).map((one, i) => [i === 0 ? -3 : 4, one])) },
    ],
    ["one prediction after another", { sequentialGuidance: true }],
    ["a callback", { onStep: () => undefined }],
  ] as [string, Partial<GenerateOptions>][])("fetches predictions for %s", async (_, changed) => {
    await expectSame(changed);
    expect(traffic).toMatchObject({ kept: 0 });
    expect(traffic.runs).toBeGreaterThan(0);
  });

  it("fetches predictions for a sampler that clips them", async () => {
    for (const pipe of [here, there])
      pipe.scheduler = schedulerClasses.DDIMScheduler.fromConfig({ ...pipe.scheduler.config, clip_sample: true });
    await expectSame();
    expect(traffic.kept).toBe(0);
    for (const pipe of [here, there])
      pipe.scheduler = schedulerClasses.DDIMScheduler.fromConfig({ ...pipe.scheduler.config, clip_sample: false });
  });

  it("draws pictures of pictures, and with SDXL", async () => {
    const image = { width: 64, height: 48, data: new Uint8ClampedArray(64 * 48 * 4).map((_, i) => (i * 7) % 256) };
    const request = { ...options, image: Object.assign(Object.create(null), image), strength: 0.5 };
    const made = [here, there].map((pipe) => StableDiffusionImg2ImgPipeline.fromPipe(pipe));
    const [expected, found] = await Promise.all(made.map((pipe) => pipe.generate(request)));
    expectClose(found!.latents, expected!.latents);
    expect(traffic.kept).toBe(1 + 2 * 3);

    const drawn: Tensor[] = [];
    for (const backend of [cpu, gpu.backend]) {
      await using pipe = await StableDiffusionXLPipeline.fromPretrained(`${fixtures}pipelines/tiny-sdxl`, { backend });
      const { promptEmbeds: _, negativePromptEmbeds: __, ...rest } = options;
      drawn.push((await pipe.generate({ ...rest, prompt: "a red apple", denoisingEnd: 0.7 })).latents);
    }
    expectClose(drawn[1]!, drawn[0]!);
  });

  it("shows its steps by previews, which fetch what they show", async () => {
    const shown: number[][] = [];
    for (const [pipe, stepLatents] of [[here, true] as const, [there, false] as const]) {
      const means: number[] = [];
      for await (const step of pipe.stream({ ...options, stepLatents })) {
        const [preview] = await step.preview({ method: "linear" });
        means.push(preview!.data.reduce((sum, value) => sum + value, 0) / preview!.data.length);
        if (!stepLatents) expect(() => step.latents.data).toThrow(/on another device/);
      }
      shown.push(means);
    }
    shown[1]!.forEach((mean, i) => {
      expect(mean).toBeCloseTo(shown[0]![i]!, 1);
    });
    expect(traffic.fetched).toBe(6 * size + size);
  });

  it("goes on from latents of the caller's", async () => {
    const drawn: Tensor[] = [];
    for (const [pipe, stepLatents] of [[here, true] as const, [there, false] as const]) {
      const run = pipe.stream({ ...options, stepLatents });
      let next = await run.next();
      const own = weightedSum([[0.5, await startOf(pipe)]]);
      for (let i = 0; !next.done; i++) next = await run.next(i === 2 ? own : undefined);
      drawn.push(next.value.latents);
    }
    expectClose(drawn[1]!, drawn[0]!);
  });

  it("ends between two steps, and frees what it kept", async () => {
    const stop = new AbortController();
    const run = there.stream({ ...options, stepLatents: false, signal: stop.signal });
    await run.next();
    stop.abort();
    await expect(run.next()).rejects.toThrow("aborted");
    for await (const _ of there.stream({ ...options, stepLatents: false })) break;
    expect(traffic.alive).toBe(0);
  });

  it("says when the latents became infinite", async () => {
    await expect(there.generate({ ...options, guidanceScale: 1e38 })).rejects.toThrow(/NaN or infinite/);
  });

  it("does without, around a backend whose sessions cannot keep", async () => {
    const backend = {
      ...gpu.backend,
      createSession: (...[model]: Parameters<typeof cpu.createSession>) => cpu.createSession(model),
    };
    await using pipe = await StableDiffusionPipeline.fromPretrained(folder, { backend });
    pipe.scheduler = here.scheduler;
    const { latents } = await here.generate(options);
    expect((await pipe.generate(options)).latents).toEqual(latents);
  });
});

async function startOf(pipe: StableDiffusionPipeline): Promise<Tensor> {
  for await (const { latents } of pipe.stream({ ...options, seed: 9 })) return latents;
  throw new Error("no steps");
}

describe("a device that is lost", () => {
  it.each([
    ["as the run begins", 1],
    ["in a network's run", 6],
    ["in a sum", 9],
    ["at the last step", 13],
  ])("%s ends in the same picture, and is told of once", async (_, at) => {
    gpu.fail = (kind, call) => (kind === "kept" && call === at ? lost() : undefined);
    const told: string[] = [];
    const { latents: expected } = await here.generate(options);
    const { latents, warnings } = await there.generate({ ...options, onWarning: ({ code }) => void told.push(code) });
    expectClose(latents, expected);
    expect(told).toEqual(["device-lost"]);
    expect(warnings.map(({ code }) => code)).toEqual(["device-lost"]);
    expect(warnings[0]?.message).toMatch(/^the GPU's device was lost \(destroyed\); its networks are opened again/);
  });

  it("shows each step once", async () => {
    gpu.fail = (kind, call) => (kind === "kept" && call === 8 ? lost() : undefined);
    const shown: number[] = [];
    for await (const { index } of there.stream({ ...options, stepLatents: false })) shown.push(index);
    expect(shown).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("ends in the same picture where the latents come over, and with a run that merely fails", async () => {
    for (const error of [lost(), new LatentKitError("run-failed", "the network failed: no reason")]) {
      gpu.fail = (kind, call) => (kind === "runs" && call === 4 ? error : undefined);
      traffic.runs = 0;
      const request = { ...options, onStep: () => undefined };
      const { latents: expected } = await here.generate(request);
      const { latents, warnings } = await there.generate(request);
      expect(latents).toEqual(expected);
      expect(warnings.map(({ code }) => code)).toEqual([error.code]);
    }
  });

  it("is an error when it is lost again at the same step", async () => {
    gpu.fail = (kind, call) => (kind === "kept" && call > 5 ? lost() : undefined);
    await expect(there.generate(options)).rejects.toMatchObject({ code: "device-lost" });
    gpu.fail = () => undefined;
    await expectSame();
  });
});
