import type { Scheduler, SchedulerConfig } from "./scheduler.js";

/** A config with what Stable Diffusion's pipelines set in it; `made` is the scheduler that it stands for. */
export function stableDiffusionCorrection(config: SchedulerConfig, made: Scheduler): SchedulerConfig {
  const corrections = { ...("steps_offset" in made.config && { steps_offset: 1 }), clip_sample: false };
  return withoutDefaulted({ ...config, ...corrections }, Object.keys(corrections));
}

/** A corrected value is no default any more: it goes along when another class is made from the config. */
function withoutDefaulted(config: SchedulerConfig, corrected: readonly string[]): SchedulerConfig {
  const { _use_default_values: defaulted } = config;
  if (!Array.isArray(defaulted)) return config;
  return { ...config, _use_default_values: defaulted.filter((key) => !corrected.includes(key)) };
}
