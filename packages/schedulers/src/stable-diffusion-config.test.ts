import { expect, it } from "vitest";
import { DDIMScheduler } from "./ddim.js";
import { schedulerFromConfig } from "./scheduler-from-config.js";
import { stableDiffusionConfig } from "./stable-diffusion-config.js";

it("corrects an outdated config", () => {
  const corrected = stableDiffusionConfig({ _class_name: "DDIMScheduler", beta_schedule: "scaled_linear" });
  expect(corrected).toEqual({
    _class_name: "DDIMScheduler",
    beta_schedule: "scaled_linear",
    steps_offset: 1,
    clip_sample: false,
  });
  expect(schedulerFromConfig(corrected).plan({ numInferenceSteps: 4 }).timesteps).toEqual([751, 501, 251, 1]);
});

it("corrects what took its default, and keeps it when another class is made", () => {
  const { config } = schedulerFromConfig({ _class_name: "PNDMScheduler", skip_prk_steps: true });
  const corrected = schedulerFromConfig(stableDiffusionConfig(config)).config;
  expect(corrected.steps_offset).toBe(1);
  expect(schedulerFromConfig({ ...corrected, _class_name: "EulerDiscreteScheduler" }).config).toMatchObject({
    steps_offset: 1,
    timestep_spacing: "linspace",
  });
});

it("adds no offset where the class has none, and hands clipping on to classes that clip unless told otherwise", () => {
  const corrected = stableDiffusionConfig({ _class_name: "LMSDiscreteScheduler" });
  expect(corrected).toEqual({ _class_name: "LMSDiscreteScheduler", steps_offset: 1, clip_sample: false });
  const { config } = schedulerFromConfig(corrected);
  expect(DDIMScheduler.fromConfig(config).config.clip_sample).toBe(false);
  expect(stableDiffusionConfig({ _class_name: "DPMSolverSinglestepScheduler" })).toEqual({
    _class_name: "DPMSolverSinglestepScheduler",
    clip_sample: false,
  });
});
