import { weightedSum } from "@latentkit/core";
import { churned, churnOf } from "./churn.js";
import { flowLevel, trainedFlowSigmas } from "./flow-match-sigmas.js";
import { type Fields, integer, positive } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import type { PlanOptions, Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { shiftedSigma } from "./sigma-schedules.js";
import { twice } from "./spacing.js";

/** Options of `FlowMatchHeunDiscreteScheduler`, with the defaults of Diffusers. */
export interface FlowMatchHeunDiscreteOptions {
  /** Factor from σ to timestep. @default 1000 */
  readonly numTrainTimesteps?: number | undefined;
  /** Shift of the levels towards noise. @default 1 */
  readonly shift?: number | undefined;
}

const fields: Fields<FlowMatchHeunDiscreteOptions> = { numTrainTimesteps: integer(1000, 1), shift: positive(1) };

const name = "FlowMatchHeunDiscreteScheduler";

/**
 * Heun's method with optional churn (Karras et al. 2022, algorithm 2) on a rectified flow, Diffusers'
 * `FlowMatchHeunDiscreteScheduler`: `n` steps make 2n − 1 network calls, and the network returns ε − x₀. Where churn
 * adds noise, both calls of a step draw some.
 *
 * @example
 * ```ts
 * const plan = new FlowMatchHeunDiscreteScheduler().plan({ numInferenceSteps: 2 });
 * plan.timesteps; // [1000, 1, 1]
 * ```
 */
export const FlowMatchHeunDiscreteScheduler: SchedulerClass<FlowMatchHeunDiscreteOptions> = schedulerClass(
  name,
  fields,
  ({ numTrainTimesteps, shift }) =>
    (options) => {
      const request = planRequest(options, { name, numTrainTimesteps });
      const start = trainedFlowSigmas(numTrainTimesteps, shift, request.count);
      const sigmas = twice(start.map((sigma) => Math.fround(shiftedSigma(sigma, shift))));
      return planOf(sampler(numTrainTimesteps, sigmas, options), request);
    },
);
export type FlowMatchHeunDiscreteScheduler = Scheduler;

function sampler(numTrainTimesteps: number, visited: readonly number[], options: PlanOptions): Sampler {
  const sigmas = [...visited, 0];
  const churn = churnOf(options, visited.length);
  return {
    name,
    timesteps: visited.map((sigma) => Math.fround(sigma * numTrainTimesteps)),
    sigmas,
    order: 2,
    level: (at) => flowLevel(sigmas[at]!),
    step({ sample, base, history: [first] }, output, at, draw) {
      const second = base && first;
      const sigma = sigmas[second ? at - 1 : at]!;
      const { from, raised } = churned(sample, sigma, churn(sigma), draw);
      const predOriginalSample = weightedSum([
        [1, sample],
        [-sigmas[at]!, output],
      ]);
      if (second) {
        const half = (sigmas[at]! - raised) / 2;
        const next = weightedSum([
          [1, base],
          [half, first],
          [half, output],
        ]);
        return { sample: next, predOriginalSample };
      }
      // Diffusers takes the network's output at the level before the churn, the step at the one after
      const slope = weightedSum([[sigma / raised, output]]);
      const next = weightedSum([
        [1, from],
        [sigmas[at + 1]! - raised, slope],
      ]);
      return { sample: next, predOriginalSample, base: from, history: [slope] };
    },
  };
}
