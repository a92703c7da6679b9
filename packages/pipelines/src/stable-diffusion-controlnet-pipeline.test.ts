import { loadImage } from "@latentkit/images";
import { ControlNetModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { DDIMScheduler, EulerDiscreteScheduler, type SchedulerConfig } from "@latentkit/schedulers";
import { expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { StableDiffusionControlNetPipeline } from "./stable-diffusion-controlnet-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const folder = `${fixtures}pipelines`;
const levels = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear", steps_offset: 1 };
const ddim: SchedulerConfig = { ...levels, clip_sample: false, set_alpha_to_one: false, timestep_spacing: "leading" };

// Pictures of Diffusers 0.32.2 (torch 1.13, CPU, float32), from prompt and seed.
it.each([
  {
    name: "controlnet",
    scheduler: DDIMScheduler.fromConfig(ddim),
    options: { seed: 40, guidanceScale: 7.5, controlnetConditioningScale: 0.8 },
  },
  {
    name: "controlnet_range",
    scheduler: EulerDiscreteScheduler.fromConfig({ ...levels, timestep_spacing: "linspace" }),
    options: { seed: 41, guidanceScale: 5, controlGuidanceStart: 0.2, controlGuidanceEnd: 0.7 },
  },
])("$name draws the picture of Diffusers", async ({ name, scheduler, options }) => {
  await using controlnet = await ControlNetModel.fromPretrained(`${folder}/tiny-controlnet`, { backend });
  await using pipe = await StableDiffusionControlNetPipeline.fromPretrained(`${folder}/tiny-sd`, {
    backend,
    controlnet,
  });
  pipe.scheduler = scheduler;
  const image = await loadImage(`${folder}/inputs/control.png`);
  const { images } = await pipe.generate({ prompt: "a photo of a cat", image, numInferenceSteps: 6, ...options });
  const reference = await loadImage(`${folder}/runs/${name}.png`);
  const differences = reference.data.map((value, i) => Math.abs(value - images[0]!.data[i]!));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
});
