import type { Scheduler, SchedulerConfig } from "./scheduler.js";
import { withSettings } from "./with-settings.js";

/** A config with what Stable Diffusion's pipelines set in it; `made` is the scheduler that it stands for. */
export function stableDiffusionCorrection(config: SchedulerConfig, made: Scheduler): SchedulerConfig {
  return withSettings(config, { ...("steps_offset" in made.config && { steps_offset: 1 }), clip_sample: false });
}
