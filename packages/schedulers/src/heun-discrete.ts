import { type Tensor, weightedSum } from "@latentkit/core";
import { bounded, type ClippingOptions, clippingFields } from "./clipping.js";
import { alphaBars, type NoiseOptions, noiseFields, trainingSigmas } from "./noise-schedule.js";
import { type Fields, integer, oneOf, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { type PlanRequest, planRequest } from "./plan-request.js";
import { denoised } from "./prediction.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { type SigmaScheduleOptions, sigmaScheduleFields, sigmaScheduleOf, spacedSigmas } from "./sigma-schedules.js";
import { initialSigma, unitVarianceScale } from "./sigma-space.js";
import { spacedTimesteps, type TimestepSpacing, timestepSpacings } from "./spacing.js";
import { type TrainingLevels, trainingLevels } from "./training-levels.js";

/** Options of `HeunDiscreteScheduler`, with the defaults of Diffusers. */
export interface HeunDiscreteOptions extends NoiseOptions, SigmaScheduleOptions, ClippingOptions {
  /** @default "epsilon" */
  readonly predictionType?: "epsilon" | "sample" | "v_prediction" | undefined;
  /** @default "linspace" */
  readonly timestepSpacing?: TimestepSpacing | undefined;
  /** Added to "leading" timesteps. @default 0 */
  readonly stepsOffset?: number | undefined;
}

const fields: Fields<HeunDiscreteOptions> = {
  ...noiseFields(0.00085, 0.012, "linear", ["linear", "scaled_linear", "squaredcos_cap_v2", "exp"]),
  predictionType: oneOf("epsilon", ["epsilon", "sample", "v_prediction"]),
  ...sigmaScheduleFields,
  ...clippingFields(false),
  timestepSpacing: oneOf("linspace", timestepSpacings),
  stepsOffset: integer(0),
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
    const { timesteps, sigmas } = tableOf(settings, levels, request);
    const twice = <Item>([first, ...rest]: readonly Item[]): Item[] =>
      first === undefined ? [] : [first, ...rest.flatMap((one) => [one, one])];
    return planOf(sampler(settings, twice(timesteps), [...twice(sigmas), 0]), request);
  };
});
export type HeunDiscreteScheduler = Scheduler;

interface Table {
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
}

function tableOf(settings: Settings<HeunDiscreteOptions>, levels: TrainingLevels, request: PlanRequest): Table {
  const { numTrainTimesteps: trainSteps, stepsOffset, timestepSpacing } = settings;
  const { count } = request;
  const timesteps = (request.timesteps ?? spacedTimesteps(timestepSpacing, { count, trainSteps, stepsOffset })).map(
    Math.fround,
  );
  const spaced = timesteps.map(levels.sigma);
  const schedule = sigmaScheduleOf(settings);
  if (!schedule) return { timesteps, sigmas: spaced.map(Math.fround) };
  const sigmas = spacedSigmas(schedule, spaced[0]!, spaced.at(-1)!, count);
  return { timesteps: sigmas.map(levels.timestep), sigmas: sigmas.map(Math.fround) };
}

function sampler(
  settings: Settings<HeunDiscreteOptions>,
  timesteps: readonly number[],
  sigmas: readonly number[],
): Sampler {
  const slope = (sample: Tensor, clean: Tensor, sigma: number): Tensor =>
    weightedSum([
      [1 / sigma, sample],
      [-1 / sigma, clean],
    ]);
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
      const clean = bounded(denoised(settings.predictionType, sample, output, { alpha: 1, sigma }), settings);
      const derivative = slope(sample, clean, sigma);
      if (!base || !first) {
        const next = weightedSum([
          [1, sample],
          [sigmas[at + 1]! - sigma, derivative],
        ]);
        return { sample: next, predOriginalSample: clean, base: sample, history: [derivative] };
      }
      const half = (sigma - sigmas[at - 1]!) / 2;
      const next = weightedSum([
        [1, base],
        [half, first],
        [half, derivative],
      ]);
      return { sample: next, predOriginalSample: clean };
    },
  };
}
