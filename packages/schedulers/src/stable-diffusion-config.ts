import type { SchedulerConfig } from "./scheduler.js";
import { schedulerFromConfig } from "./scheduler-from-config.js";

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
  const offset = "steps_offset" in schedulerFromConfig(config).config && { steps_offset: 1 };
  const corrections = { ...offset, clip_sample: false };
  return withoutDefaulted({ ...config, ...corrections }, Object.keys(corrections));
}

/** A corrected value is no default any more: it goes along when another class is made from the config. */
function withoutDefaulted(config: SchedulerConfig, corrected: readonly string[]): SchedulerConfig {
  const { _use_default_values: defaulted } = config;
  if (!Array.isArray(defaulted)) return config;
  return { ...config, _use_default_values: defaulted.filter((key) => !corrected.includes(key)) };
}
