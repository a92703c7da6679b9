import { type Tensor, type Term, tensor, weightedSum } from "@latentkit/core";
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
import { planRequest } from "./plan-request.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { roundHalfEven, spacedTimesteps, type TimestepSpacing, timestepSpacings } from "./spacing.js";

/**
 * The variance of a step: that of the posterior ("fixed_small"), β ("fixed_large"), what the network says ("learned"),
 * or between the first two where the network says ("learned_range"). The "log" names are the same variances;
 * Diffusers' own "fixed_large_log" gives NaN.
 */
export type DDPMVarianceType =
  | "fixed_small"
  | "fixed_small_log"
  | "fixed_large"
  | "fixed_large_log"
  | "learned"
  | "learned_range";

/** Options of `DDPMScheduler`, with the defaults of Diffusers. */
export interface DDPMOptions extends NoiseOptions, ZeroSnrOptions, ClippingOptions, ThresholdingOptions {
  /** The learned ones need a network with twice the sample's channels. @default "fixed_small" */
  readonly varianceType?: DDPMVarianceType | undefined;
  /** @default "epsilon" */
  readonly predictionType?: "epsilon" | "sample" | "v_prediction" | undefined;
  /** @default "leading" */
  readonly timestepSpacing?: TimestepSpacing | undefined;
  /** Added to "leading" timesteps. @default 0 */
  readonly stepsOffset?: number | undefined;
}

const fields: Fields<DDPMOptions> = {
  ...noiseFields(0.0001, 0.02, "linear", ["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace"]),
  varianceType: oneOf("fixed_small", [
    "fixed_small",
    "fixed_small_log",
    "fixed_large",
    "fixed_large_log",
    "learned",
    "learned_range",
  ]),
  ...clippingFields(true),
  predictionType: oneOf("epsilon", ["epsilon", "sample", "v_prediction"]),
  ...thresholdingFields,
  timestepSpacing: oneOf("leading", timestepSpacings),
  stepsOffset: integer(0),
  rescaleBetasZeroSnr: flag(false),
};

const name = "DDPMScheduler";

/**
 * Ancestral sampling from the posterior (Ho et al. 2020, equations 6 and 7; learned variances: Nichol & Dhariwal 2021,
 * equation 15), Diffusers' `DDPMScheduler`. Draws noise at every step except timestep 0.
 *
 * @example
 * ```ts
 * const plan = new DDPMScheduler({ varianceType: "fixed_large" }).plan({ numInferenceSteps: 4 });
 * plan.timesteps; // [750, 500, 250, 0]
 * ```
 */
export const DDPMScheduler: SchedulerClass<DDPMOptions> = schedulerClass(name, fields, (settings) => {
  const table = alphaTable(alphaBars(settings), true);
  return (options) => {
    const { numTrainTimesteps: trainSteps, stepsOffset, timestepSpacing, predictionType } = settings;
    const request = planRequest(options, { name, numTrainTimesteps: trainSteps, lists: ["timesteps"] });
    const { count } = request;
    const timesteps =
      request.timesteps ?? spacedTimesteps(timestepSpacing, { count, trainSteps, stepsOffset }).map(roundHalfEven);
    checkVisited(table, timesteps, predictionType);
    return planOf(sampler(settings, table, timesteps), request);
  };
});
export type DDPMScheduler = Scheduler;

function sampler(settings: Settings<DDPMOptions>, table: AlphaTable, timesteps: readonly number[]): Sampler {
  const { varianceType } = settings;
  const posteriors = timesteps.map((t, at) => posteriorOf(table.at(t), table.at(timesteps[at + 1] ?? -1)));
  return {
    name,
    timesteps,
    level: (at) => table.level(timesteps[at]!),
    learnsVariance: varianceType.startsWith("learned"),
    step({ sample }, output, at, draw, learned) {
      const t = timesteps[at]!;
      const posterior = posteriors[at]!;
      const clean = predictedSample(settings, sample, output, table.level(t));
      const next = weightedSum([
        [posterior.ofClean, clean],
        [posterior.ofSample, sample],
        ...(t > 0 ? [noiseTerm(draw(), varianceType, posterior, learned)] : []),
      ]);
      return { sample: next, predOriginalSample: clean };
    },
  };
}

/** Where a step leads: weights of the mean, the variance and its upper bound β. */
interface Posterior {
  readonly ofClean: number;
  readonly ofSample: number;
  readonly variance: number;
  readonly beta: number;
}

/** Ho et al. 2020, equation 7, rounded where PyTorch rounds: β is a small difference of numbers near 1. */
function posteriorOf(bar: number, previous: number): Posterior {
  const { fround, sqrt } = Math;
  const alpha = fround(bar / previous);
  const beta = fround(1 - alpha);
  const [noise, previousNoise] = [fround(1 - bar), fround(1 - previous)];
  return {
    ofClean: fround(fround(fround(sqrt(previous)) * beta) / noise),
    ofSample: fround(fround(fround(sqrt(alpha)) * previousNoise) / noise),
    // the last step's is 0, whose logarithm would be infinite
    variance: Math.max(fround(fround(previousNoise / noise) * beta), 1e-20),
    beta,
  };
}

/** Unit noise with the deviation of a step; `learned` is what the network says of its variance. */
function noiseTerm(
  noise: Tensor,
  varianceType: DDPMVarianceType,
  { variance, beta }: Posterior,
  learned: Tensor | undefined,
): Term {
  if (!learned) return [Math.sqrt(varianceType.startsWith("fixed_small") ? variance : beta), noise];
  const [low, high] = [Math.log(variance), Math.log(beta)];
  const deviation =
    varianceType === "learned"
      ? Math.sqrt
      : (share: number): number => Math.exp((((share + 1) / 2) * (high - low) + low) / 2);
  const scaled = new Float32Array(noise.data.length);
  for (let i = 0; i < scaled.length; i++) scaled[i] = noise.data[i]! * deviation(learned.data[i]!);
  return [1, tensor(scaled, noise.shape)];
}
