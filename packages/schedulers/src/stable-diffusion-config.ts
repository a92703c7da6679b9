import type { SchedulerConfig } from "./scheduler.js";
import { schedulerFromConfig } from "./scheduler-from-config.js";

/** What Diffusers' `StableDiffusionPipeline` sets on whatever scheduler it is given. */
const corrections: SchedulerConfig = { steps_offset: 1, clip_sample: false };

/**
 * The config with `steps_offset` 1 and `clip_sample` false where its class has these keys: early Stable Diffusion
 * checkpoints were published without them, and the defaults are those of pixel models.
 *
 * @throws LatentKitError `"unsupported-model"` as `schedulerFromConfig`.
 * @example
 * ```ts
 * const scheduler = schedulerFromConfig(stableDiffusionConfig({ _class_name: "DDIMScheduler" }));
 * scheduler.config.clip_sample; // false
 * ```
 */
export function stableDiffusionConfig(config: SchedulerConfig): SchedulerConfig {
  const { config: whole } = schedulerFromConfig(config);
  const corrected = Object.entries(corrections).filter(([key]) => key in whole);
  return withoutDefaulted({ ...config, ...Object.fromEntries(corrected) }, Object.keys(corrections));
}

/** A corrected value is no default any more: it goes along when another class is made from the config. */
function withoutDefaulted(config: SchedulerConfig, corrected: readonly string[]): SchedulerConfig {
  const { _use_default_values: defaulted } = config;
  if (!Array.isArray(defaulted)) return config;
  return { ...config, _use_default_values: defaulted.filter((key) => !corrected.includes(key)) };
}
