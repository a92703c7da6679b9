import { choiceFor } from "./choice-for.js";
import type { Scheduler, SchedulerConfig } from "./scheduler.js";
import { schedulerClasses } from "./scheduler-from-config.js";
import { namedScheduler } from "./scheduler-names.js";
import { withSettings } from "./with-settings.js";

/** Where a checkpoint does not speak of clipping it works on latents, which the defaults of pixel models would spoil. */
const unclipped: SchedulerConfig = { clip_sample: false };

/** The noise schedule of Stable Diffusion 1, 2 and XL, with what its pipelines set on every scheduler. */
const stableDiffusion: SchedulerConfig = {
  num_train_timesteps: 1000,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  steps_offset: 1,
  ...unclipped,
  set_alpha_to_one: false,
};

/**
 * Configures a sampler by the name that users of stable-diffusion-webui and ComfyUI type, on the noise schedule of a
 * checkpoint: its scheduler, or the whole of its `scheduler_config.json`. Without one, on Stable Diffusion's.
 *
 * `schedulerNames` lists the names with what they stand for. A name without a spacing of levels leaves the
 * checkpoint's own spacing of timesteps; one whose configuration has no `clip_sample` is not clipped. "UniPC" is
 * Diffusers' default, B₂(h) of order 2. For rectified-flow checkpoints names stand for the flow-matching classes, for
 * EDM checkpoints for the EDM ones.
 *
 * @throws RangeError for a name that is unknown, naming the nearest ones, or that the checkpoint's kind has no class
 * for; LatentKitError `"unsupported-model"` for a configuration that the class does not accept.
 * @example
 * ```ts
 * pipe.scheduler = schedulerByName("DPM++ 2M Karras", pipe.scheduler);
 * const scheduler = schedulerByName("euler_ancestral"); // Stable Diffusion's noise schedule
 * ```
 */
export function schedulerByName(name: string, checkpoint: SchedulerConfig | Scheduler = stableDiffusion): Scheduler {
  const config = configOf(checkpoint);
  const { className, settings } = choiceFor(namedScheduler(name), config);
  return schedulerClasses[className].fromConfig(withSettings({ ...unclipped, ...config }, settings));
}

function configOf(checkpoint: SchedulerConfig | Scheduler): SchedulerConfig {
  if (typeof checkpoint !== "object" || checkpoint === null) {
    throw new TypeError(`checkpoint: expected a scheduler or its configuration, got ${String(checkpoint)}`);
  }
  return isScheduler(checkpoint) ? checkpoint.config : checkpoint;
}

function isScheduler(value: SchedulerConfig | Scheduler): value is Scheduler {
  return typeof value.plan === "function";
}
