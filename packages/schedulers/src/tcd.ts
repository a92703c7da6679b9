import { weightedSum } from "@latentkit/core";
import { type AlphaTable, alphaTable, checkVisited } from "./alpha-table.js";
import { type ClippingOptions, clippingFields, type ThresholdingOptions, thresholdingFields } from "./clipping.js";
import { distilledTimesteps } from "./distilled-timesteps.js";
import { alphaBars, type NoiseOptions, noiseFields, type ZeroSnrOptions } from "./noise-schedule.js";
import { type Fields, flag, integer, oneOf, real, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { numberOption, planRequest, stepCount } from "./plan-request.js";
import { denoised, noiseTerms } from "./prediction.js";
import type { PlanOptions, Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { type TimestepSpacing, timestepSpacings } from "./spacing.js";

/** Options of `TCDScheduler`, with the defaults of Diffusers; clipping and thresholding are kept, but have no effect. */
export interface TCDOptions extends NoiseOptions, ZeroSnrOptions, ClippingOptions, ThresholdingOptions {
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
  /** Kept for Diffusers' sake, LCM's factor on timesteps. @default 10 */
  readonly timestepScaling?: number | undefined;
}

const fields: Fields<TCDOptions> = {
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

const name = "TCDScheduler";

/**
 * Strategic stochastic sampling of trajectory consistency models (Zheng et al. 2024, algorithm 2), Diffusers'
 * `TCDScheduler`. `eta`, the paper's γ, is 0.3 unless the run says otherwise; above 0, noise is drawn at every step but
 * the last. `originalInferenceSteps` of a run lets it visit any training step. `strength` shortens the distillation
 * schedule, so that all steps remain.
 *
 * @example
 * ```ts
 * const plan = new TCDScheduler().plan({ numInferenceSteps: 4, eta: 0 });
 * plan.timesteps; // [999, 759, 499, 259]
 * ```
 */
export const TCDScheduler: SchedulerClass<TCDOptions> = schedulerClass(name, fields, (settings) => {
  const table = alphaTable(alphaBars(settings), settings.setAlphaToOne);
  return (options) => {
    const { numTrainTimesteps } = settings;
    const request = planRequest(options, { name, numTrainTimesteps, lists: ["timesteps"] });
    const asked = options.originalInferenceSteps;
    const original = stepCount("originalInferenceSteps", asked ?? settings.originalInferenceSteps, numTrainTimesteps);
    if (request.timesteps) return planOf(sampler(settings, table, request.timesteps, options), request);
    stepCount("numInferenceSteps", request.count, original);
    const timesteps =
      asked === undefined
        ? distilledTimesteps(request, original, Math.floor(numTrainTimesteps / original))
        : distilledTimesteps(request, numTrainTimesteps, 1);
    return planOf(sampler(settings, table, timesteps, options), { ...request, strength: 1 });
  };
});
export type TCDScheduler = Scheduler;

function sampler(
  { predictionType }: Settings<TCDOptions>,
  table: AlphaTable,
  timesteps: readonly number[],
  options: PlanOptions,
): Sampler {
  checkVisited(table, timesteps, predictionType);
  const eta = numberOption("eta", options.eta ?? 0.3, 0, 1);
  return {
    name,
    timesteps,
    level: (at) => table.level(timesteps[at]!),
    step({ sample }, output, at, draw) {
      const level = table.level(timesteps[at]!);
      const next = timesteps[at + 1] ?? 0;
      const between = table.level(lessNoisy(next, eta));
      const clean = denoised(predictionType, sample, output, level);
      const isNoised = eta > 0 && at < timesteps.length - 1;
      const kept = isNoised ? table.at(next) / between.alpha ** 2 : 1;
      const moved = weightedSum([
        [Math.sqrt(kept) * between.alpha, clean],
        ...noiseTerms(predictionType, sample, output, level, Math.sqrt(kept) * between.sigma),
        ...(isNoised ? [[Math.sqrt(1 - kept), draw()] as const] : []),
      ]);
      return { sample: moved, predOriginalSample: clean };
    },
  };
}

/** The timestep to which the network jumps before noise leads back to the next one: ⌊(1 − γ) t⌋ as PyTorch rounds it. */
function lessNoisy(timestep: number, eta: number): number {
  const { floor, fround } = Math;
  return floor(fround(fround(1 - eta) * timestep));
}
