import { expect, it } from "vitest";
import { openScheduler, openStableDiffusionScheduler } from "./open-scheduler.js";
import { schedulerClasses, schedulerFromConfig } from "./scheduler-from-config.js";
import { stableDiffusionConfig } from "./stable-diffusion-config.js";

it.each(Object.keys(schedulerClasses))("%s is the one that schedulerFromConfig makes", async (name) => {
  const config = { _class_name: name, num_train_timesteps: 500 };
  const plain = await openScheduler(config);
  expect([plain.name, plain.config]).toEqual([name, schedulerFromConfig(config).config]);
  const corrected = await openStableDiffusionScheduler(config);
  expect(corrected.config).toEqual(schedulerFromConfig(stableDiffusionConfig(config)).config);
});

it.each([openScheduler, openStableDiffusionScheduler])("names the classes that there are", async (open) => {
  const unknown = { _class_name: "NoSuchScheduler" };
  await expect(open(unknown)).rejects.toMatchObject({
    code: "unsupported-model",
    message: expect.stringMatching(/"NoSuchScheduler"; supported: .*PNDMScheduler/),
  });
});
