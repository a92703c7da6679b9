import type { Backend, Session } from "@latentkit/runtime";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { DDIMScheduler, EulerDiscreteScheduler, LCMScheduler, schedulerByName } from "@latentkit/schedulers";
import { describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import type { GenerateOptions } from "./generate-options.js";
import { interval } from "./interval.js";
import { graded, type Quality } from "./quality.js";
import type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

// graphs are opened by the dozen: what optimizing them takes is more than it saves
const sessionOptions = { graphOptimizationLevel: "disabled" } as const;
const cpu = await onnxruntimeNode({ device: "cpu", worker: false, threads: 1, sessionOptions });
const size = { height: 48, width: 64, prompt: "a cat", seed: 1, outputType: "latent" } as const;

/** What a run of a quality is prepared with. */
const settled = graded((parts: StableDiffusionComponents, options: GenerateOptions) => [parts, options] as const);

/** A backend that writes down on how many items the UNet is run, and whether on its shallow part. */
function watched() {
  const runs: string[] = [];
  const createSession: Backend["createSession"] = async (model) => {
    const session = await cpu.createSession(model);
    const run: Session["run"] = (feeds, outputs) => {
      const items = feeds.sample?.shape[0];
      if (items !== undefined && feeds.timestep) runs.push(feeds.deep_feature ? `shallow ${items}` : `${items}`);
      return session.run(feeds, outputs);
    };
    return { ...session, run };
  };
  return { backend: { ...cpu, createSession }, runs };
}

describe("guidance", () => {
  it("runs one item outside its interval, and where there is none", async () => {
    const { backend, runs } = watched();
    await using pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
    pipe.scheduler = DDIMScheduler.fromConfig({});
    await pipe.generate({ ...size, numInferenceSteps: 4, guidance: interval(7.5, 0, 0.5) });
    expect(runs.splice(0)).toEqual(["2", "2", "1", "1"]);
    await pipe.generate({ ...size, numInferenceSteps: 2, guidanceScale: 1 });
    expect(runs).toEqual(["1", "1"]);
  });
});

describe("quality", () => {
  it("is what the pipeline does when it is normal", async () => {
    await using pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend: cpu });
    const options = { ...size, numInferenceSteps: 3 };
    const plain = await pipe.generate(options);
    expect(await pipe.generate({ ...options, quality: "normal" })).toEqual(plain);
    const parts = pipe.components;
    expect(settled(parts, options)).toEqual([parts, options]);
  });

  it.each([
    ["tiny-sd", StableDiffusionPipeline],
    ["tiny-sdxl", StableDiffusionXLPipeline],
  ] as const)("is a choice of sampler, steps and shortcuts for %s", async (folder, pipeline) => {
    const { backend, runs } = watched();
    await using pipe = await pipeline.fromPretrained(`${fixtures}pipelines/${folder}`, { backend });
    const draft = await pipe.generate({ ...size, quality: "draft" });
    expect(runs).toEqual(Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? "2" : "shallow 2")));
    pipe.scheduler = schedulerByName("DPM++ 2M Karras", pipe.scheduler);
    const spelled = { numInferenceSteps: 16, deepCache: { interval: 2 } };
    expect(await pipe.generate({ ...size, ...spelled })).toEqual(draft);
  });

  it("leaves what is said beside it", async () => {
    const { backend, runs } = watched();
    await using pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
    const timesteps = [900, 500, 100];
    pipe.scheduler = EulerDiscreteScheduler.fromConfig({});
    await pipe.generate({ ...size, quality: "draft", timesteps, deepCache: undefined, guidanceScale: 1 });
    expect(runs.splice(0)).toEqual(["1", "1", "1"]);
    await pipe.generate({ ...size, quality: "best", numInferenceSteps: 2 });
    expect(runs.splice(0)).toEqual(["2", "2"]);
    const best = await settled(pipe.components, { quality: "best" });
    expect(best[1]).toEqual({ quality: "best", numInferenceSteps: 100 });
    expect(best[0].scheduler.config).toMatchObject({
      _class_name: "DPMSolverMultistepScheduler",
      use_karras_sigmas: true,
    });
    // a network that cannot be cut is run whole
    const { unet } = pipe.components;
    const whole = { config: unet.config, predict: unet.predict.bind(unet), dispose: async () => {} };
    await using uncut = StableDiffusionPipeline.fromPipe(pipe, { unet: whole });
    await uncut.generate({ ...size, quality: "draft", numInferenceSteps: 4, guidanceScale: 3, guidanceRescale: 0.5 });
    expect(runs.some((run) => run.startsWith("shallow"))).toBe(false);
  });

  it("is refused where there is one alone, and when there is none of the name", async () => {
    await using pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend: cpu });
    const start = (quality: Quality) => pipe.stream({ ...size, quality });
    // @ts-expect-error: none of these
    expect(() => start("fast")).toThrow(new RangeError("quality: expected one of normal, draft, best, got fast"));
    pipe.scheduler = LCMScheduler.fromConfig({});
    await expect(start("draft").next()).rejects.toThrow(
      new TypeError(
        'quality: expected "normal" for a network of few steps (LCMScheduler, timestep_spacing leading), got "draft"',
      ),
    );
    expect(() => start("normal")).not.toThrow();
    pipe.scheduler = EulerDiscreteScheduler.fromConfig({ timestep_spacing: "trailing" });
    await expect(start("best").next()).rejects.toThrow(TypeError);
  });
});
