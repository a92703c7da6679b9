import { LatentKitError } from "@latentkit/core";
import { DDIMScheduler } from "./ddim.js";
import { DPMSolverMultistepScheduler } from "./dpm-solver-multistep.js";
import { EulerAncestralDiscreteScheduler } from "./euler-ancestral-discrete.js";
import { EulerDiscreteScheduler } from "./euler-discrete.js";
import { HeunDiscreteScheduler } from "./heun-discrete.js";
import { LCMScheduler } from "./lcm.js";
import { PNDMScheduler } from "./pndm.js";
import type { Scheduler, SchedulerConfig } from "./scheduler.js";
import { UniPCMultistepScheduler } from "./unipc-multistep.js";

/** Every class, by the name that `_class_name` gives it. */
export const schedulerClasses: Readonly<{
  DDIMScheduler: typeof DDIMScheduler;
  DPMSolverMultistepScheduler: typeof DPMSolverMultistepScheduler;
  EulerAncestralDiscreteScheduler: typeof EulerAncestralDiscreteScheduler;
  EulerDiscreteScheduler: typeof EulerDiscreteScheduler;
  HeunDiscreteScheduler: typeof HeunDiscreteScheduler;
  LCMScheduler: typeof LCMScheduler;
  PNDMScheduler: typeof PNDMScheduler;
  UniPCMultistepScheduler: typeof UniPCMultistepScheduler;
}> = {
  DDIMScheduler,
  DPMSolverMultistepScheduler,
  EulerAncestralDiscreteScheduler,
  EulerDiscreteScheduler,
  HeunDiscreteScheduler,
  LCMScheduler,
  PNDMScheduler,
  UniPCMultistepScheduler,
};

/** The name of a scheduler class. */
export type SchedulerName = keyof typeof schedulerClasses;

const isKnown = (name: unknown): name is SchedulerName =>
  typeof name === "string" && Object.hasOwn(schedulerClasses, name);

/**
 * Configures the class that a whole `scheduler_config.json` names in `_class_name`.
 *
 * @throws LatentKitError `"unsupported-model"` for a class that is not known, listing those that are, and for a value
 * that the class does not accept.
 * @example
 * ```ts
 * const scheduler = schedulerFromConfig({ _class_name: "DDIMScheduler", beta_schedule: "scaled_linear" });
 * ```
 */
export function schedulerFromConfig(config: SchedulerConfig): Scheduler {
  const { _class_name: name } = config;
  if (isKnown(name)) return schedulerClasses[name].fromConfig(config);
  const known = Object.keys(schedulerClasses).join(", ");
  throw new LatentKitError(
    "unsupported-model",
    `scheduler_config.json: _class_name is ${JSON.stringify(name) ?? "missing"}; supported: ${known}`,
  );
}
