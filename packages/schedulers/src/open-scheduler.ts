import { PNDMScheduler } from "./pndm.js";
import type { Scheduler, SchedulerConfig } from "./scheduler.js";
import { stableDiffusionCorrection } from "./stable-diffusion-correction.js";

/** Those that checkpoints of Stable Diffusion come with: the first one's, and three in a part of a page's bundle; all others share another. */
const common = new Map<unknown, () => Promise<{ fromConfig(config: SchedulerConfig): Scheduler }>>([
  ["DDIMScheduler", async () => (await import("./common-schedulers.js")).DDIMScheduler],
  ["DPMSolverMultistepScheduler", async () => (await import("./common-schedulers.js")).DPMSolverMultistepScheduler],
  ["EulerDiscreteScheduler", async () => (await import("./common-schedulers.js")).EulerDiscreteScheduler],
  ["PNDMScheduler", async () => PNDMScheduler],
]);

/**
 * What `schedulerFromConfig` gives; the class is loaded when it is named, so that pages stay small.
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
  if (known) return (await known()).fromConfig(config);
  return (await import("./scheduler-from-config.js")).schedulerFromConfig(config);
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
