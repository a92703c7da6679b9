import { LatentKitError } from "@latentkit/core";
import { CMStochasticIterativeScheduler } from "./cm-stochastic-iterative.js";
import { DDIMScheduler } from "./ddim.js";
import { DDIMInverseScheduler } from "./ddim-inverse.js";
import { DDPMScheduler } from "./ddpm.js";
import { DEISMultistepScheduler } from "./deis-multistep.js";
import { DPMSolverMultistepScheduler } from "./dpm-solver-multistep.js";
import { DPMSolverMultistepInverseScheduler } from "./dpm-solver-multistep-inverse.js";
import { DPMSolverSDEScheduler } from "./dpm-solver-sde.js";
import { DPMSolverSinglestepScheduler } from "./dpm-solver-singlestep.js";
import { EDMDPMSolverMultistepScheduler } from "./edm-dpm-solver-multistep.js";
import { EDMEulerScheduler } from "./edm-euler.js";
import { EulerAncestralDiscreteScheduler } from "./euler-ancestral-discrete.js";
import { EulerDiscreteScheduler } from "./euler-discrete.js";
import { FlowMatchEulerDiscreteScheduler } from "./flow-match-euler-discrete.js";
import { FlowMatchHeunDiscreteScheduler } from "./flow-match-heun-discrete.js";
import { HeunDiscreteScheduler } from "./heun-discrete.js";
import { IPNDMScheduler } from "./ipndm.js";
import { KDPM2AncestralDiscreteScheduler } from "./kdpm2-ancestral-discrete.js";
import { KDPM2DiscreteScheduler } from "./kdpm2-discrete.js";
import { LCMScheduler } from "./lcm.js";
import { LMSDiscreteScheduler } from "./lms-discrete.js";
import { PNDMScheduler } from "./pndm.js";
import { SASolverScheduler } from "./sa-solver.js";
import type { Scheduler, SchedulerConfig } from "./scheduler.js";
import { TCDScheduler } from "./tcd.js";
import { UniPCMultistepScheduler } from "./unipc-multistep.js";

/** Every class, by the name that `_class_name` gives it. */
export const schedulerClasses: Readonly<{
  CMStochasticIterativeScheduler: typeof CMStochasticIterativeScheduler;
  DDIMInverseScheduler: typeof DDIMInverseScheduler;
  DDIMScheduler: typeof DDIMScheduler;
  DDPMScheduler: typeof DDPMScheduler;
  DEISMultistepScheduler: typeof DEISMultistepScheduler;
  DPMSolverMultistepInverseScheduler: typeof DPMSolverMultistepInverseScheduler;
  DPMSolverMultistepScheduler: typeof DPMSolverMultistepScheduler;
  DPMSolverSDEScheduler: typeof DPMSolverSDEScheduler;
  DPMSolverSinglestepScheduler: typeof DPMSolverSinglestepScheduler;
  EDMDPMSolverMultistepScheduler: typeof EDMDPMSolverMultistepScheduler;
  EDMEulerScheduler: typeof EDMEulerScheduler;
  EulerAncestralDiscreteScheduler: typeof EulerAncestralDiscreteScheduler;
  EulerDiscreteScheduler: typeof EulerDiscreteScheduler;
  FlowMatchEulerDiscreteScheduler: typeof FlowMatchEulerDiscreteScheduler;
  FlowMatchHeunDiscreteScheduler: typeof FlowMatchHeunDiscreteScheduler;
  HeunDiscreteScheduler: typeof HeunDiscreteScheduler;
  IPNDMScheduler: typeof IPNDMScheduler;
  KDPM2AncestralDiscreteScheduler: typeof KDPM2AncestralDiscreteScheduler;
  KDPM2DiscreteScheduler: typeof KDPM2DiscreteScheduler;
  LCMScheduler: typeof LCMScheduler;
  LMSDiscreteScheduler: typeof LMSDiscreteScheduler;
  PNDMScheduler: typeof PNDMScheduler;
  SASolverScheduler: typeof SASolverScheduler;
  TCDScheduler: typeof TCDScheduler;
  UniPCMultistepScheduler: typeof UniPCMultistepScheduler;
}> = {
  CMStochasticIterativeScheduler,
  DDIMInverseScheduler,
  DDIMScheduler,
  DDPMScheduler,
  DEISMultistepScheduler,
  DPMSolverMultistepInverseScheduler,
  DPMSolverMultistepScheduler,
  DPMSolverSDEScheduler,
  DPMSolverSinglestepScheduler,
  EDMDPMSolverMultistepScheduler,
  EDMEulerScheduler,
  EulerAncestralDiscreteScheduler,
  EulerDiscreteScheduler,
  FlowMatchEulerDiscreteScheduler,
  FlowMatchHeunDiscreteScheduler,
  HeunDiscreteScheduler,
  IPNDMScheduler,
  KDPM2AncestralDiscreteScheduler,
  KDPM2DiscreteScheduler,
  LCMScheduler,
  LMSDiscreteScheduler,
  PNDMScheduler,
  SASolverScheduler,
  TCDScheduler,
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
