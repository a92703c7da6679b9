import { type Term, weightedSum } from "@latentkit/core";
import { adamsBashforth } from "./adams-bashforth.js";
import { torchLinspace } from "./noise-schedule.js";
import { type Fields, integer, listOf, nullable, real, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";

/** Options of `IPNDMScheduler`, with the defaults of Diffusers. */
export interface IPNDMOptions {
  /** The most steps a run may have. @default 1000 */
  readonly numTrainTimesteps?: number | undefined;
  /** Noise deviations at the levels of a run, the last one included, instead of the sine's. @default null */
  readonly trainedBetas?: readonly number[] | null | undefined;
}

const fields: Fields<IPNDMOptions> = {
  numTrainTimesteps: integer(1000, 1),
  trainedBetas: nullable(listOf(real(0, 0, 1))),
};

const name = "IPNDMScheduler";

/**
 * The improved pseudo linear multistep of order 4 (Liu et al. 2022, equations 9 and 12), Diffusers' `IPNDMScheduler`.
 * The network predicts v at timesteps in [0, 1]; levels are x = √(1 − β²) x₀ + β ε with β = sin²(π s / 2), s from 1 to 0.
 *
 * @example
 * ```ts
 * const plan = new IPNDMScheduler().plan({ numInferenceSteps: 4 });
 * plan.timesteps[0]; // 1
 * ```
 */
export const IPNDMScheduler: SchedulerClass<IPNDMOptions> = schedulerClass(name, fields, (settings) => (options) => {
  const request = planRequest(options, { name, numTrainTimesteps: settings.numTrainTimesteps });
  return planOf(sampler(levelsOf(settings, request.count)), request);
});
export type IPNDMScheduler = Scheduler;

/** Signal and noise at each level, rounded as in PyTorch: the first level has no signal at all. */
interface SineLevel {
  readonly alpha: number;
  readonly sigma: number;
}

function levelsOf({ trainedBetas }: Settings<IPNDMOptions>, count: number): readonly SineLevel[] {
  const { fround, sin, sqrt } = Math;
  if (trainedBetas && trainedBetas.length !== count + 1) {
    throw new RangeError(`numInferenceSteps: trainedBetas has ${trainedBetas.length - 1} steps, got ${count}`);
  }
  const sine = (s: number): number => fround(fround(sin(fround(fround(s * fround(Math.PI)) / 2))) ** 2);
  const sigmas = trainedBetas?.map(fround) ?? [...torchLinspace(1, 0, count + 1)].map(sine);
  return sigmas.map((sigma) => ({ alpha: fround(sqrt(fround(1 - fround(sigma ** 2)))), sigma }));
}

function sampler(levels: readonly SineLevel[]): Sampler {
  const { atan2, fround, max } = Math;
  return {
    name,
    timesteps: levels
      .slice(0, -1)
      .map(({ alpha, sigma }) => fround(fround(fround(atan2(sigma, alpha)) / fround(Math.PI)) * 2)),
    level: (at) => levels[at]!,
    step({ sample, history }, output, at) {
      const [from, to] = [levels[at]!, levels[at + 1]!];
      const noise = weightedSum([
        [from.sigma, sample],
        [from.alpha, output],
      ]);
      const known = [noise, ...history].slice(0, 4);
      const mean = weightedSum(known.map((one, i): Term => [adamsBashforth[known.length - 1]![i]!, one]));
      const clean = weightedSum([
        [1 / max(from.alpha, 1e-8), sample],
        [-from.sigma / max(from.alpha, 1e-8), mean],
      ]);
      const next = weightedSum([
        [to.alpha, clean],
        [to.sigma, mean],
      ]);
      return { sample: next, predOriginalSample: clean, history: known.slice(0, 3) };
    },
  };
}
