import { weightedSum } from "@latentkit/core";
import { type ClippingOptions, clippingFields, predictedSample } from "./clipping.js";
import { alphaBars, noiseFields, trainingSigmas } from "./noise-schedule.js";
import { type Fields, oneOf, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { type SigmaOptions, sigmaFields, sigmaLevels } from "./sigma-levels.js";
import { sigmaScheduleOf } from "./sigma-schedules.js";
import { initialSigma, slopeAt, slopeTerms, unitVarianceScale } from "./sigma-space.js";
import { twice } from "./spacing.js";
import { trainingLevels } from "./training-levels.js";

/** Options of `HeunDiscreteScheduler`, with the defaults of Diffusers. */
export interface HeunDiscreteOptions extends SigmaOptions, ClippingOptions {
  /** @default "epsilon" */
  readonly predictionType?: "epsilon" | "sample" | "v_prediction" | undefined;
}

const fields: Fields<HeunDiscreteOptions> = {
  ...sigmaFields(noiseFields(0.00085, 0.012, "linear", ["linear", "scaled_linear", "squaredcos_cap_v2", "exp"])),
  predictionType: oneOf("epsilon", ["epsilon", "sample", "v_prediction"]),
  ...clippingFields(false),
};

const name = "HeunDiscreteScheduler";

/**
 * Heun's method (Karras et al. 2022, algorithm 1), Diffusers' `HeunDiscreteScheduler`:
 * `n` steps make 2n − 1 network calls.
 *
 * @example
 * ```ts
 * const plan = new HeunDiscreteScheduler({ timestepSpacing: "trailing" }).plan({ numInferenceSteps: 2 });
 * plan.timesteps; // [999, 499, 499]
 * ```
 */
export const HeunDiscreteScheduler: SchedulerClass<HeunDiscreteOptions> = schedulerClass(name, fields, (settings) => {
  const levels = trainingLevels(trainingSigmas(alphaBars(settings)));
  const chosenBy = sigmaScheduleOf(settings);
  return (options) => {
    const { numTrainTimesteps } = settings;
    const request = planRequest(options, { name, numTrainTimesteps, lists: ["timesteps"], chosenBy });
    const { timesteps, sigmas } = sigmaLevels(settings, levels, request);
    return planOf(sampler(settings, twice(timesteps), [...twice(sigmas.map(Math.fround)), 0]), request);
  };
});
export type HeunDiscreteScheduler = Scheduler;

function sampler(
  settings: Settings<HeunDiscreteOptions>,
  timesteps: readonly number[],
  sigmas: readonly number[],
): Sampler {
  return {
    name,
    timesteps,
    sigmas,
    order: 2,
    initNoiseSigma: initialSigma(sigmas, settings.timestepSpacing),
    level: (at) => ({ alpha: 1, sigma: sigmas[at]! }),
    inputScale: (at) => unitVarianceScale(sigmas[at]!),
    step({ sample, base, history: [first] }, output, at) {
      const sigma = sigmas[at]!;
      const clean = predictedSample(settings, sample, output, { alpha: 1, sigma });
      if (!base || !first) {
        const derivative = slopeAt(sample, clean, sigma);
        const next = weightedSum([
          [1, sample],
          [sigmas[at + 1]! - sigma, derivative],
        ]);
        return { sample: next, predOriginalSample: clean, base: sample, history: [derivative] };
      }
      const half = (sigma - sigmas[at - 1]!) / 2;
      const next = weightedSum([[1, base], [half, first], ...slopeTerms(sample, clean, sigma, half)]);
      return { sample: next, predOriginalSample: clean };
    },
  };
}
