import { weightedSum } from "@latentkit/core";
import { type AlphaTable, alphaTable } from "./alpha-table.js";
import { type ClippingOptions, clippingFields, predictedSample } from "./clipping.js";
import { alphaBars, type NoiseOptions, noiseFields, type ZeroSnrOptions } from "./noise-schedule.js";
import { type Fields, flag, integer, oneOf, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import { type Level, noiseTerms, type PredictionType } from "./prediction.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { spacedTimesteps } from "./spacing.js";

/** Options of `DDIMInverseScheduler`, with the defaults of Diffusers. */
export interface DDIMInverseOptions extends NoiseOptions, ZeroSnrOptions, ClippingOptions {
  /** Starts at ᾱ = 1 rather than at the first training ᾱ. @default true */
  readonly setAlphaToOne?: boolean | undefined;
  /** Added to "leading" timesteps. @default 0 */
  readonly stepsOffset?: number | undefined;
  /** "sample" needs `setAlphaToOne: false`. @default "epsilon" */
  readonly predictionType?: "epsilon" | "sample" | "v_prediction" | undefined;
  /** @default "leading" */
  readonly timestepSpacing?: "leading" | "trailing" | undefined;
}

const fields: Fields<DDIMInverseOptions> = {
  ...noiseFields(),
  ...clippingFields(true),
  setAlphaToOne: flag(true),
  stepsOffset: integer(0),
  predictionType: oneOf("epsilon", ["epsilon", "sample", "v_prediction"]),
  timestepSpacing: oneOf("leading", ["leading", "trailing"]),
  rescaleBetasZeroSnr: flag(false),
};

const name = "DDIMInverseScheduler";

/**
 * DDIM run backwards, from a picture to the noise that makes it (Song et al. 2021, equation 16 with σ = 0; Mokady et
 * al. 2023, equation 3), Diffusers' `DDIMInverseScheduler`. Timesteps ascend, `strength` keeps the first of them, and
 * a run begins with `plan.state(latents)`. Draws no noise.
 *
 * @example
 * ```ts
 * const plan = new DDIMInverseScheduler({ clipSample: false, stepsOffset: 1 }).plan({ numInferenceSteps: 4 });
 * plan.timesteps; // [1, 251, 501, 751]
 * ```
 */
export const DDIMInverseScheduler: SchedulerClass<DDIMInverseOptions> = schedulerClass(name, fields, (settings) => {
  const table = alphaTable(alphaBars(settings), settings.setAlphaToOne);
  return (options) => {
    const { numTrainTimesteps: trainSteps, stepsOffset, timestepSpacing } = settings;
    const request = planRequest(options, { name, numTrainTimesteps: trainSteps });
    const timesteps = spacedTimesteps(timestepSpacing, { count: request.count, trainSteps, stepsOffset }).reverse();
    const stride = Math.floor(trainSteps / request.count);
    return planOf(sampler(settings, table, timesteps, stride), request);
  };
});
export type DDIMInverseScheduler = Scheduler;

function sampler(
  settings: Settings<DDIMInverseOptions>,
  table: AlphaTable,
  timesteps: readonly number[],
  stride: number,
): Sampler {
  const { numTrainTimesteps, predictionType } = settings;
  // the network is called with the timestep that a step leads to
  const targets = timesteps.map(table.level);
  const levels = timesteps.map((t) => table.level(Math.min(t - stride, numTrainTimesteps - 1)));
  checkLevels(levels, predictionType);
  return {
    name,
    timesteps,
    ascending: true,
    level: (at) => levels[at]!,
    step({ sample }, output, at) {
      const [from, to] = [levels[at]!, targets[at]!];
      const clean = predictedSample(settings, sample, output, from);
      const next = weightedSum([[to.alpha, clean], ...noiseTerms(predictionType, sample, output, from, to.sigma)]);
      return { sample: next, predOriginalSample: clean };
    },
  };
}

/** @throws RangeError when ε would have to be told from a sample without any. */
function checkLevels(levels: readonly Level[], predictionType: PredictionType): void {
  if (predictionType !== "sample" || levels.every(({ sigma }) => sigma > 0)) return;
  throw new RangeError(
    'predictionType: "sample" does not tell the noise of a clean sample; set setAlphaToOne to false',
  );
}
