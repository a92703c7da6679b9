import { weightedSum } from "@latentkit/core";
import {
  alphaBars,
  type NoiseOptions,
  noiseFields,
  smallestAlphaBar,
  trainingSigmas,
  type ZeroSnrOptions,
} from "./noise-schedule.js";
import { type Fields, flag, integer, oneOf, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import { denoised } from "./prediction.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { ancestralStep, initialSigma, unitVarianceScale } from "./sigma-space.js";
import { spacedTimesteps, type TimestepSpacing, timestepSpacings } from "./spacing.js";
import { trainingLevels } from "./training-levels.js";

/** Options of `EulerAncestralDiscreteScheduler`, with the defaults of Diffusers. */
export interface EulerAncestralDiscreteOptions extends NoiseOptions, ZeroSnrOptions {
  /** @default "epsilon" */
  readonly predictionType?: "epsilon" | "v_prediction" | undefined;
  /** @default "linspace" */
  readonly timestepSpacing?: TimestepSpacing | undefined;
  /** Added to "leading" timesteps. @default 0 */
  readonly stepsOffset?: number | undefined;
}

const fields: Fields<EulerAncestralDiscreteOptions> = {
  ...noiseFields(),
  predictionType: oneOf("epsilon", ["epsilon", "v_prediction"]),
  timestepSpacing: oneOf("linspace", timestepSpacings),
  stepsOffset: integer(0),
  rescaleBetasZeroSnr: flag(false),
};

const name = "EulerAncestralDiscreteScheduler";

/**
 * Ancestral sampling with Euler steps (`sample_euler_ancestral` of k-diffusion), Diffusers'
 * `EulerAncestralDiscreteScheduler`. Draws noise at every step, the last one too.
 *
 * @example
 * ```ts
 * const plan = new EulerAncestralDiscreteScheduler({ timestepSpacing: "trailing" }).plan({ numInferenceSteps: 1 });
 * plan.timesteps; // [999]
 * ```
 */
export const EulerAncestralDiscreteScheduler: SchedulerClass<EulerAncestralDiscreteOptions> = schedulerClass(
  name,
  fields,
  (settings) => {
    const levels = trainingLevels(trainingSigmas(alphaBars(settings, smallestAlphaBar)));
    return (options) => {
      const { numTrainTimesteps: trainSteps, stepsOffset, timestepSpacing } = settings;
      const request = planRequest(options, { name, numTrainTimesteps: trainSteps });
      const { count } = request;
      const timesteps = spacedTimesteps(timestepSpacing, { count, trainSteps, stepsOffset }).map(Math.fround);
      const sigmas = [...timesteps.map(levels.sigma), 0].map(Math.fround);
      return planOf(sampler(settings, timesteps, sigmas), request);
    };
  },
);
export type EulerAncestralDiscreteScheduler = Scheduler;

function sampler(
  { predictionType, timestepSpacing }: Settings<EulerAncestralDiscreteOptions>,
  timesteps: readonly number[],
  sigmas: readonly number[],
): Sampler {
  return {
    name,
    timesteps,
    sigmas,
    initNoiseSigma: initialSigma(sigmas, timestepSpacing),
    level: (at) => ({ alpha: 1, sigma: sigmas[at]! }),
    inputScale: (at) => unitVarianceScale(sigmas[at]!),
    step({ sample }, output, at, draw) {
      const [from, to] = [sigmas[at]!, sigmas[at + 1]!];
      const clean = denoised(predictionType, sample, output, { alpha: 1, sigma: from });
      const { down, up } = ancestralStep(from, to);
      const moved = weightedSum([
        [down / from, sample],
        [1 - down / from, clean],
        [up, draw()],
      ]);
      return { sample: moved, predOriginalSample: clean };
    },
  };
}
