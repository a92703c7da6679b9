import { weightedSum } from "@latentkit/core";
import { churned, churnOf } from "./churn.js";
import { checkEnds, type EDMOptions, edmDenoised, edmFields, edmLevels, edmSigmas } from "./edm-preconditioning.js";
import type { Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import type { PlanOptions, Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";

/** Options of `EDMEulerScheduler`, with the defaults of Diffusers. */
export type EDMEulerOptions = EDMOptions;

const name = "EDMEulerScheduler";

/**
 * Euler's method with optional churn for networks in EDM's formulation (Karras et al. 2022, algorithm 2 without its
 * second-order correction), Diffusers' `EDMEulerScheduler`. Draws noise only where churn adds some. Timesteps are
 * log(σ) / 4.
 *
 * @example
 * ```ts
 * const plan = new EDMEulerScheduler({ sigmaMax: 120, sigmaData: 1 }).plan({ numInferenceSteps: 10, sChurn: 2 });
 * plan.initNoiseSigma; // 120.00416659433121
 * ```
 */
export const EDMEulerScheduler: SchedulerClass<EDMEulerOptions> = schedulerClass(name, edmFields, (settings) => {
  checkEnds(settings);
  return (options) => {
    const request = planRequest(options, { name, numTrainTimesteps: settings.numTrainTimesteps });
    return planOf(sampler(settings, request.count, options), request);
  };
});
export type EDMEulerScheduler = Scheduler;

function sampler(settings: Settings<EDMEulerOptions>, count: number, options: PlanOptions): Sampler {
  const visited = edmSigmas(settings, count);
  const levels = edmLevels(settings, visited, visited.at(-1)!);
  const churn = churnOf(options, count);
  return {
    name,
    ...levels,
    step({ sample }, output, at, draw) {
      const [sigma, next] = [levels.sigmas[at]!, levels.sigmas[at + 1]!];
      const { from, raised } = churned(sample, sigma, churn(sigma), draw);
      const clean = edmDenoised(settings, from, output, raised);
      const moved = weightedSum([
        [next / raised, from],
        [1 - next / raised, clean],
      ]);
      return { sample: moved, predOriginalSample: clean };
    },
  };
}
