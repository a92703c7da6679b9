import { DDIMScheduler } from "./ddim.js";
import { DPMSolverMultistepScheduler } from "./dpm-solver-multistep.js";
import { EulerDiscreteScheduler } from "./euler-discrete.js";
import { PNDMScheduler } from "./pndm.js";
import type { Scheduler, SchedulerConfig } from "./scheduler.js";
import { stableDiffusionCorrection } from "./stable-diffusion-correction.js";

/** Those that checkpoints of Stable Diffusion come with. */
const common = new Map<unknown, { fromConfig(config: SchedulerConfig): Scheduler }>(
  Object.entries({ DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, PNDMScheduler }),
);

/**
 * What `schedulerFromConfig` gives; the classes that few checkpoints name are loaded when one does, so that pages stay small.
 *
 * @throws LatentKitError `"unsupported-model"` for a class that is not known, listing those that are, and for a value
 * that the class does not accept.
 * @example
 * ```ts
 * const scheduler = await openScheduler({ _class_name: "DDIMScheduler", beta_schedule: "scaled_linear" });
 * ```
 */
export async function openScheduler(config: SchedulerConfig): Promise<Scheduler> {
  const known = common.get(config._class_name);
  return known ? known.fromConfig(config) : (await import("./scheduler-from-config.js")).schedulerFromConfig(config);
}

/**
 * The same with the config that `stableDiffusionConfig` makes of it.
 *
 * @throws LatentKitError `"unsupported-model"` as `openScheduler`.
 * @example
 * ```ts
 * const scheduler = await openStableDiffusionScheduler({ _class_name: "DDIMScheduler" });
 * scheduler.config.clip_sample; // false
 * ```
 */
export async function openStableDiffusionScheduler(config: SchedulerConfig): Promise<Scheduler> {
  return openScheduler(stableDiffusionCorrection(config, await openScheduler(config)));
}
