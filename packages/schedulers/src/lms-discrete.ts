import { type Term, weightedSum } from "@latentkit/core";
import { lagrangeWeights } from "./lagrange-weights.js";
import { alphaBars, noiseFields, trainingSigmas } from "./noise-schedule.js";
import { type Fields, oneOf, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest, stepCount } from "./plan-request.js";
import { denoised } from "./prediction.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { type SigmaOptions, sigmaFields, sigmaLevels } from "./sigma-levels.js";
import { sigmaScheduleOf } from "./sigma-schedules.js";
import { initialSigma, slopeAt, unitVarianceScale } from "./sigma-space.js";
import type { LevelTable } from "./solver-levels.js";
import { trainingLevels } from "./training-levels.js";

/** Options of `LMSDiscreteScheduler`, with the defaults of Diffusers. */
export interface LMSDiscreteOptions extends SigmaOptions {
  /** @default "epsilon" */
  readonly predictionType?: "epsilon" | "sample" | "v_prediction" | undefined;
}

const fields: Fields<LMSDiscreteOptions> = {
  ...sigmaFields(noiseFields()),
  predictionType: oneOf("epsilon", ["epsilon", "sample", "v_prediction"]),
};

const name = "LMSDiscreteScheduler";

/**
 * Linear multistep on the probability-flow ODE in σ (`sample_lms` of k-diffusion: Adams–Bashforth for uneven steps),
 * Diffusers' `LMSDiscreteScheduler`. `plan` takes the `order`, 4 by default. When `strength` skips steps, Diffusers
 * weighs the first slopes as if those before them were known; so does this class.
 *
 * @example
 * ```ts
 * const scheduler = new LMSDiscreteScheduler({ betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear" });
 * const plan = scheduler.plan({ numInferenceSteps: 20, order: 3 });
 * plan.timesteps[0]; // 999
 * ```
 */
export const LMSDiscreteScheduler: SchedulerClass<LMSDiscreteOptions> = schedulerClass(name, fields, (settings) => {
  const levels = trainingLevels(trainingSigmas(alphaBars(settings)));
  sigmaScheduleOf(settings);
  return (options) => {
    const request = planRequest(options, { name, numTrainTimesteps: settings.numTrainTimesteps });
    const order = stepCount("order", options.order ?? 4, settings.numTrainTimesteps);
    const { timesteps, sigmas } = sigmaLevels(settings, levels, request);
    return planOf(sampler(settings, { timesteps, sigmas: [...sigmas, 0].map(Math.fround) }, order), request);
  };
});
export type LMSDiscreteScheduler = Scheduler;

function sampler(settings: Settings<LMSDiscreteOptions>, { timesteps, sigmas }: LevelTable, order: number): Sampler {
  const { predictionType, timestepSpacing } = settings;
  return {
    name,
    timesteps,
    sigmas,
    initNoiseSigma: initialSigma(sigmas, timestepSpacing),
    level: (at) => ({ alpha: 1, sigma: sigmas[at]! }),
    inputScale: (at) => unitVarianceScale(sigmas[at]!),
    step({ sample, history }, output, at) {
      const sigma = sigmas[at]!;
      const clean = denoised(predictionType, sample, output, { alpha: 1, sigma });
      const slopes = [slopeAt(sample, clean, sigma), ...history].slice(0, order);
      const weights = slopeWeights(sigmas, at, Math.min(at + 1, order));
      const next = weightedSum([[1, sample], ...slopes.map((slope, i): Term => [weights[i]!, slope])]);
      return { sample: next, predOriginalSample: clean, history: slopes.slice(0, order - 1) };
    },
  };
}

/** Weights of the newest `order` slopes, the newest first, in the step that starts at a level. */
function slopeWeights(sigmas: readonly number[], at: number, order: number): number[] {
  const to = sigmas[at + 1]!;
  const nodes = Array.from({ length: order }, (_, i) => sigmas[at - i]! - to);
  return lagrangeWeights(nodes, nodes[0]!);
}
