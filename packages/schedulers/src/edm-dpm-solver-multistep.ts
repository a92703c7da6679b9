import { bounded, type ThresholdingOptions, thresholdingFields } from "./clipping.js";
import { checkOrder, multistepSolver } from "./dpm-solver-step.js";
import { checkEnds, type EDMOptions, edmDenoised, edmFields, edmLevels, edmSigmas } from "./edm-preconditioning.js";
import { type Fields, flag, integer, oneOf, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";

/** Options of `EDMDPMSolverMultistepScheduler`, with the defaults of Diffusers. */
export interface EDMDPMSolverMultistepOptions extends EDMOptions, ThresholdingOptions {
  /** Highest order of a step; the SDE has 1 and 2. @default 2 */
  readonly solverOrder?: number | undefined;
  /** @default "dpmsolver++" */
  readonly algorithmType?: "dpmsolver++" | "sde-dpmsolver++" | undefined;
  /** How second-order steps weigh the difference of two predictions. @default "midpoint" */
  readonly solverType?: "midpoint" | "heun" | undefined;
  /** Lowers the order over the last steps of runs below 15 steps. @default true */
  readonly lowerOrderFinal?: boolean | undefined;
  /** Makes the last step of first order. @default false */
  readonly eulerAtFinal?: boolean | undefined;
}

const fields: Fields<EDMDPMSolverMultistepOptions> = {
  ...edmFields,
  solverOrder: integer(2, 1),
  ...thresholdingFields,
  algorithmType: oneOf("dpmsolver++", ["dpmsolver++", "sde-dpmsolver++"], { deis: "dpmsolver++" }),
  solverType: oneOf("midpoint", ["midpoint", "heun"], { logrho: "midpoint", bh1: "midpoint", bh2: "midpoint" }),
  lowerOrderFinal: flag(true),
  eulerAtFinal: flag(false),
};

const name = "EDMDPMSolverMultistepScheduler";

/**
 * Multistep DPM-Solver++ (Lu et al. 2022) for networks in EDM's formulation, Diffusers'
 * `EDMDPMSolverMultistepScheduler`. "sde-dpmsolver++" draws noise at every step, the last one too. Timesteps are
 * log(σ) / 4.
 *
 * @example
 * ```ts
 * const scheduler = new EDMDPMSolverMultistepScheduler({ sigmaSchedule: "exponential", sigmaData: 1 });
 * const plan = scheduler.plan({ numInferenceSteps: 10 });
 * ```
 */
export const EDMDPMSolverMultistepScheduler: SchedulerClass<EDMDPMSolverMultistepOptions> = schedulerClass(
  name,
  fields,
  (settings) => {
    checkEnds(settings);
    checkOrder(settings, settings.algorithmType === "dpmsolver++" ? 3 : 2);
    return (options) => {
      const request = planRequest(options, { name, numTrainTimesteps: settings.numTrainTimesteps });
      return planOf(sampler(settings, request.count), request);
    };
  },
);
export type EDMDPMSolverMultistepScheduler = Scheduler;

function sampler(settings: Settings<EDMDPMSolverMultistepOptions>, count: number): Sampler {
  const levels = edmLevels(settings, edmSigmas(settings, count), Math.fround(settings.sigmaMin));
  const advance = multistepSolver(settings, levels.sigmas, levels.level);
  return {
    name,
    ...levels,
    step(state, output, at, draw) {
      const clean = bounded(edmDenoised(settings, state.sample, output, levels.sigmas[at]!), settings);
      return { ...advance(state, clean, at, draw), predOriginalSample: clean };
    },
  };
}
