import { type DPM2Target, dpm2Fields, dpm2Planner, type KDPM2Options, middleOf } from "./dpm2.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { ancestralStep } from "./sigma-space.js";

const name = "KDPM2AncestralDiscreteScheduler";

/**
 * Ancestral sampling with DPM-Solver-2 steps (`sample_dpm_2_ancestral` of k-diffusion), Diffusers'
 * `KDPM2AncestralDiscreteScheduler`: `n` steps make 2n − 1 network calls. Draws noise at every second call.
 *
 * @example
 * ```ts
 * const plan = new KDPM2AncestralDiscreteScheduler({ timestepSpacing: "trailing" }).plan({ numInferenceSteps: 2 });
 * plan.timesteps.length; // 3
 * ```
 */
export const KDPM2AncestralDiscreteScheduler: SchedulerClass<KDPM2Options> = schedulerClass(
  name,
  dpm2Fields,
  (settings) => dpm2Planner(settings, { name, target }),
);
export type KDPM2AncestralDiscreteScheduler = Scheduler;

function target(from: number, to: number): DPM2Target {
  const step = ancestralStep(from, to);
  return { ...step, middle: middleOf(from, step.down) };
}
