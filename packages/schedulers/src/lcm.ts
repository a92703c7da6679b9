import { type Term, weightedSum } from "@latentkit/core";
import { type AlphaTable, alphaTable, checkVisited } from "./alpha-table.js";
import {
  type ClippingOptions,
  clippingFields,
  isBounded,
  predictedSample,
  type ThresholdingOptions,
  thresholdingFields,
} from "./clipping.js";
import { distilledTimesteps } from "./distilled-timesteps.js";
import { alphaBars, type NoiseOptions, noiseFields, type ZeroSnrOptions } from "./noise-schedule.js";
import { type Fields, flag, integer, oneOf, real, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest, stepCount } from "./plan-request.js";
import { denoisedTerms } from "./prediction.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { type TimestepSpacing, timestepSpacings } from "./spacing.js";

/** Options of `LCMScheduler`, with the defaults of Diffusers. */
export interface LCMOptions extends NoiseOptions, ZeroSnrOptions, ClippingOptions, ThresholdingOptions {
  /** Length of the schedule the network was distilled on. @default 50 */
  readonly originalInferenceSteps?: number | undefined;
  /** Kept for Diffusers' sake: no step goes below the first training ᾱ. @default true */
  readonly setAlphaToOne?: boolean | undefined;
  /** Kept for Diffusers' sake: timesteps come from the distillation schedule. @default 0 */
  readonly stepsOffset?: number | undefined;
  /** @default "epsilon" */
  readonly predictionType?: "epsilon" | "sample" | "v_prediction" | undefined;
  /** Kept for Diffusers' sake, like `stepsOffset`. @default "leading" */
  readonly timestepSpacing?: TimestepSpacing | undefined;
  /** Factor on the timestep in the boundary condition. @default 10 */
  readonly timestepScaling?: number | undefined;
}

const fields: Fields<LCMOptions> = {
  ...noiseFields(0.00085, 0.012, "scaled_linear"),
  originalInferenceSteps: integer(50, 1),
  ...clippingFields(false),
  setAlphaToOne: flag(true),
  stepsOffset: integer(0),
  predictionType: oneOf("epsilon", ["epsilon", "sample", "v_prediction"]),
  ...thresholdingFields,
  timestepSpacing: oneOf("leading", timestepSpacings),
  timestepScaling: real(10),
  rescaleBetasZeroSnr: flag(false),
};

const name = "LCMScheduler";

/**
 * Multistep consistency sampling (Luo et al. 2023, algorithm 3), Diffusers' `LCMScheduler`. Draws noise at every step
 * but the last. `strength` shortens the distillation schedule, so that all steps remain.
 *
 * @example
 * ```ts
 * const plan = new LCMScheduler().plan({ numInferenceSteps: 4 });
 * plan.timesteps; // [999, 759, 499, 259]
 * ```
 */
export const LCMScheduler: SchedulerClass<LCMOptions> = schedulerClass(name, fields, (settings) => {
  const table = alphaTable(alphaBars(settings), settings.setAlphaToOne);
  return (options) => {
    const { numTrainTimesteps } = settings;
    const request = planRequest(options, { name, numTrainTimesteps, lists: ["timesteps"] });
    const original = stepCount(
      "originalInferenceSteps",
      options.originalInferenceSteps ?? settings.originalInferenceSteps,
      numTrainTimesteps,
    );
    if (request.timesteps) return planOf(sampler(settings, table, request.timesteps), request);
    const timesteps = distilledTimesteps(request, original, Math.floor(numTrainTimesteps / original));
    return planOf(sampler(settings, table, timesteps), { ...request, strength: 1 });
  };
});
export type LCMScheduler = Scheduler;

/** Standard deviation of the data in the boundary condition. */
const sigmaData = 0.5;

function sampler(settings: Settings<LCMOptions>, table: AlphaTable, timesteps: readonly number[]): Sampler {
  checkVisited(table, timesteps, settings.predictionType);
  return {
    name,
    timesteps,
    level: (at) => table.level(timesteps[at]!),
    step({ sample }, output, at, draw) {
      const t = timesteps[at]!;
      const scaled = t * settings.timestepScaling;
      const norm = scaled ** 2 + sigmaData ** 2;
      const outer = scaled / Math.sqrt(norm);
      const clean: readonly Term[] = isBounded(settings)
        ? [[outer, predictedSample(settings, sample, output, table.level(t))]]
        : denoisedTerms(settings.predictionType, sample, output, table.level(t), outer);
      const consistent = weightedSum([...clean, [sigmaData ** 2 / norm, sample]]);
      const next = timesteps[at + 1];
      if (next === undefined) return { sample: consistent, predOriginalSample: consistent };
      const { alpha, sigma } = table.level(next);
      const noised = weightedSum([
        [alpha, consistent],
        [sigma, draw()],
      ]);
      return { sample: noised, predOriginalSample: consistent };
    },
  };
}
