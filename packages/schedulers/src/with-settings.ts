import type { SchedulerConfig } from "./scheduler.js";

/**
 * A config with settings in place of its own. They are no defaults any more: they go along when another class is made of it.
 *
 * @example
 * ```ts
 * const scheduler = DDIMScheduler.fromConfig(withSettings(pipe.scheduler.config, { timestep_spacing: "trailing" }));
 * ```
 */
export function withSettings(config: SchedulerConfig, settings: SchedulerConfig): SchedulerConfig {
  const { _use_default_values: defaulted } = config;
  const left = Array.isArray(defaulted) && defaulted.filter((key) => !(key in settings));
  return { ...config, ...settings, ...(left && { _use_default_values: left }) };
}
