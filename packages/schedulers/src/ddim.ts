import { type Term, weightedSum } from "@latentkit/core";
import { type AlphaTable, alphaTable, checkVisited } from "./alpha-table.js";
import {
  type ClippingOptions,
  clippingFields,
  predictedSample,
  type ThresholdingOptions,
  thresholdingFields,
} from "./clipping.js";
import { alphaBars, type NoiseOptions, noiseFields, type ZeroSnrOptions } from "./noise-schedule.js";
import { type Fields, flag, integer, oneOf, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { numberOption, planRequest } from "./plan-request.js";
import { noiseBetween, noiseTerms } from "./prediction.js";
import type { PlanOptions, Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { roundHalfEven, spacedTimesteps, type TimestepSpacing, timestepSpacings } from "./spacing.js";

/** Options of `DDIMScheduler`, with the defaults of Diffusers. */
export interface DDIMOptions extends NoiseOptions, ZeroSnrOptions, ClippingOptions, ThresholdingOptions {
  /** Ends at ᾱ = 1 rather than at the first training ᾱ. @default true */
  readonly setAlphaToOne?: boolean | undefined;
  /** Added to "leading" timesteps. @default 0 */
  readonly stepsOffset?: number | undefined;
  /** @default "epsilon" */
  readonly predictionType?: "epsilon" | "sample" | "v_prediction" | undefined;
  /** @default "leading" */
  readonly timestepSpacing?: TimestepSpacing | undefined;
}

const fields: Fields<DDIMOptions> = {
  ...noiseFields(),
  ...clippingFields(true),
  setAlphaToOne: flag(true),
  stepsOffset: integer(0),
  predictionType: oneOf("epsilon", ["epsilon", "sample", "v_prediction"]),
  ...thresholdingFields,
  timestepSpacing: oneOf("leading", timestepSpacings),
  rescaleBetasZeroSnr: flag(false),
};

/**
 * DDIM (Song et al. 2021, equations 12 and 16), Diffusers' `DDIMScheduler`.
 * Draws noise only when `eta` is above 0.
 *
 * @example
 * ```ts
 * const scheduler = new DDIMScheduler({ betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear", clipSample: false });
 * const plan = scheduler.plan({ numInferenceSteps: 20, eta: 0.5 });
 * ```
 */
export const DDIMScheduler: SchedulerClass<DDIMOptions> = schedulerClass("DDIMScheduler", fields, (settings) => {
  const table = alphaTable(alphaBars(settings), settings.setAlphaToOne);
  return (options) => {
    const { numTrainTimesteps: trainSteps, stepsOffset, timestepSpacing } = settings;
    const request = planRequest(options, { name: "DDIMScheduler", numTrainTimesteps: trainSteps });
    const timesteps = spacedTimesteps(timestepSpacing, { count: request.count, trainSteps, stepsOffset }).map(
      roundHalfEven,
    );
    checkVisited(table, timesteps, settings.predictionType);
    const stride = Math.floor(trainSteps / request.count);
    return planOf(sampler(settings, table, timesteps, stride, options), request);
  };
});
export type DDIMScheduler = Scheduler;

function sampler(
  settings: Settings<DDIMOptions>,
  table: AlphaTable,
  timesteps: readonly number[],
  stride: number,
  { eta: asked = 0, useClippedModelOutput = false }: PlanOptions,
): Sampler {
  const eta = numberOption("eta", asked, 0, 1);
  const { predictionType } = settings;
  return {
    name: "DDIMScheduler",
    timesteps,
    level: (at) => table.level(timesteps[at]!),
    step({ sample }, output, at, draw) {
      const t = timesteps[at]!;
      const level = table.level(t);
      // Diffusers steps by a constant stride, also where the next visited timestep lies elsewhere
      const [bar, previous] = [table.at(t), table.at(t - stride)];
      const clean = predictedSample(settings, sample, output, level);
      const deviation = eta * Math.sqrt(((1 - previous) / (1 - bar)) * (1 - bar / previous));
      const direction = Math.sqrt(Math.max(1 - previous - deviation ** 2, 0));
      const noise: readonly Term[] = useClippedModelOutput
        ? [[direction, noiseBetween(sample, clean, level)]]
        : noiseTerms(predictionType, sample, output, level, direction);
      const next = weightedSum([
        [Math.sqrt(previous), clean],
        ...noise,
        ...(eta > 0 ? [[deviation, draw()] as const] : []),
      ]);
      return { sample: next, predOriginalSample: clean };
    },
  };
}
