import { dpm2Fields, dpm2Planner, type KDPM2Options, middleOf } from "./dpm2.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";

const name = "KDPM2DiscreteScheduler";

/**
 * DPM-Solver-2 in σ (Lu et al. 2022, "DPM-Solver", algorithm 1; `sample_dpm_2` of k-diffusion), Diffusers'
 * `KDPM2DiscreteScheduler`: `n` steps make 2n − 1 network calls, every second one at a level between two timesteps.
 *
 * @example
 * ```ts
 * const plan = new KDPM2DiscreteScheduler({ betaSchedule: "scaled_linear" }).plan({ numInferenceSteps: 2 });
 * plan.timesteps; // [999, 426.8…, 0]
 * ```
 */
export const KDPM2DiscreteScheduler: SchedulerClass<KDPM2Options> = schedulerClass(name, dpm2Fields, (settings) =>
  dpm2Planner(settings, { name, target: (from, to) => ({ middle: middleOf(to, from), down: to }) }),
);
export type KDPM2DiscreteScheduler = Scheduler;
