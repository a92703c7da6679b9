import type { SchedulerConfig } from "./scheduler.js";
import { schedulerFromConfig } from "./scheduler-from-config.js";
import { stableDiffusionCorrection } from "./stable-diffusion-correction.js";

/**
 * The config as Diffusers' `StableDiffusionPipeline` corrects it: `steps_offset` 1 where its class has that key, and
 * `clip_sample` false. Early Stable Diffusion checkpoints were published without them, and the defaults are those of
 * pixel models. Classes without clipping keep `clip_sample`, too, for those that are made from their config.
 *
 * @throws LatentKitError `"unsupported-model"` as `schedulerFromConfig`.
 * @example
 * ```ts
 * const scheduler = schedulerFromConfig(stableDiffusionConfig({ _class_name: "DDIMScheduler" }));
 * scheduler.config.clip_sample; // false
 * ```
 */
export function stableDiffusionConfig(config: SchedulerConfig): SchedulerConfig {
  return stableDiffusionCorrection(config, schedulerFromConfig(config));
}
