import { type Tensor, type Term, weightedSum } from "@latentkit/core";
import { adamsBashforth } from "./adams-bashforth.js";
import { type AlphaTable, alphaTable, checkVisited } from "./alpha-table.js";
import { alphaBars, type NoiseOptions, noiseFields } from "./noise-schedule.js";
import { type Fields, flag, integer, oneOf, type Settings } from "./option-fields.js";
import { type Advance, planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import { denoised, predictedNoise } from "./prediction.js";
import type { SamplerState, Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { roundHalfEven, spacedTimesteps, type TimestepSpacing, timestepSpacings } from "./spacing.js";

/** Options of `PNDMScheduler`, with the defaults of Diffusers. */
export interface PNDMOptions extends NoiseOptions {
  /** Begins with a linear multistep (PLMS, as Stable Diffusion does) instead of three Runge–Kutta steps. @default false */
  readonly skipPrkSteps?: boolean | undefined;
  /** Ends at ᾱ = 1 rather than at the first training ᾱ. @default false */
  readonly setAlphaToOne?: boolean | undefined;
  /** @default "epsilon" */
  readonly predictionType?: "epsilon" | "v_prediction" | undefined;
  /** @default "leading" */
  readonly timestepSpacing?: TimestepSpacing | undefined;
  /** Added to "leading" timesteps. @default 0 */
  readonly stepsOffset?: number | undefined;
}

const fields: Fields<PNDMOptions> = {
  ...noiseFields(),
  skipPrkSteps: flag(false),
  setAlphaToOne: flag(false),
  predictionType: oneOf("epsilon", ["epsilon", "v_prediction"]),
  timestepSpacing: oneOf("leading", timestepSpacings),
  stepsOffset: integer(0),
};

/**
 * PNDM (Liu et al. 2022, algorithm 2), Diffusers' `PNDMScheduler`: `n` steps make n + 1 network calls with
 * `skipPrkSteps`, the second timestep twice; without it n + 9, and at least 4 steps are needed.
 *
 * @example
 * ```ts
 * const plan = new PNDMScheduler({ skipPrkSteps: true, stepsOffset: 1 }).plan({ numInferenceSteps: 4 });
 * plan.timesteps; // [751, 501, 501, 251, 1]
 * ```
 */
export const PNDMScheduler: SchedulerClass<PNDMOptions> = schedulerClass("PNDMScheduler", fields, (settings) => {
  const table = alphaTable(alphaBars(settings), settings.setAlphaToOne);
  return (options) => {
    const { numTrainTimesteps: trainSteps, stepsOffset, timestepSpacing, skipPrkSteps } = settings;
    const request = planRequest(options, { name: "PNDMScheduler", numTrainTimesteps: trainSteps });
    const { count } = request;
    const visited = spacedTimesteps(timestepSpacing, { count, trainSteps, stepsOffset }).map(roundHalfEven);
    checkVisited(table, visited, settings.predictionType);
    const stride = Math.floor(trainSteps / count);
    const prk = skipPrkSteps ? [] : prkTimesteps(visited, Math.floor(stride / 2));
    const timesteps = skipPrkSteps ? plmsTimesteps(visited) : [...prk, ...visited.slice(3)];
    return planOf(sampler(settings, { table, timesteps, prk, stride }), request);
  };
});
export type PNDMScheduler = Scheduler;

/** The second timestep twice: the first multistep is made again with the slope at its end. */
function plmsTimesteps(visited: readonly number[]): number[] {
  return [...visited.slice(0, 2), ...visited.slice(1)];
}

/** Each of the first three intervals by its ends and, twice, its middle. */
function prkTimesteps(visited: readonly number[], half: number): number[] {
  if (visited.length < 4) {
    throw new RangeError(
      `numInferenceSteps: Runge–Kutta steps need at least 4, got ${visited.length}; or set skipPrkSteps`,
    );
  }
  return visited.slice(0, 3).flatMap((t, i) => {
    const next = visited[i + 1]!;
    return [t, next + half, next + half, next];
  });
}

interface Table {
  readonly table: AlphaTable;
  readonly timesteps: readonly number[];
  readonly prk: readonly number[];
  readonly stride: number;
}

function sampler(settings: Settings<PNDMOptions>, plan: Table): Sampler {
  const { table, timesteps, prk } = plan;
  const { predictionType } = settings;
  const transfer = (sample: Tensor, slope: Tensor, from: number, to: number): Tensor =>
    transferred(sample, predictedNoise(predictionType, sample, slope, table.level(from)), table.at(from), table.at(to));
  return {
    name: "PNDMScheduler",
    timesteps,
    level: (at) => table.level(timesteps[at]!),
    step(state, output, at) {
      const t = timesteps[at]!;
      const predOriginalSample = denoised(predictionType, state.sample, output, table.level(t));
      const next =
        state.index < prk.length
          ? prkStep(plan, transfer, state, output, t)
          : plmsStep(plan, transfer, state, output, t);
      return { ...next, predOriginalSample };
    },
  };
}

type Transfer = (sample: Tensor, slope: Tensor, from: number, to: number) => Tensor;

/** Equation 9: from one level to another along a noise direction. */
function transferred(sample: Tensor, noise: Tensor, from: number, to: number): Tensor {
  const denominator = from * Math.sqrt(1 - to) + Math.sqrt(from * (1 - from) * to);
  return weightedSum([
    [Math.sqrt(to / from), sample],
    [-(to - from) / denominator, noise],
  ]);
}

function plmsStep({ stride }: Table, transfer: Transfer, state: SamplerState, output: Tensor, t: number): Advance {
  const { sample, history, base } = state;
  const [newest] = history;
  // counted from where the run began, which with a picture is not the plan's first step
  if (history.length === 1 && newest && base) {
    const mean = weightedSum([
      [0.5, output],
      [0.5, newest],
    ]);
    return { sample: transfer(base, mean, t + stride, t), history };
  }
  const slopes = [output, ...history].slice(0, 4);
  const terms = slopes.map((slope, i): Term => [adamsBashforth[slopes.length - 1]![i]!, slope]);
  const next = transfer(sample, weightedSum(terms), t, t - stride);
  return { sample: next, history: slopes, ...(history.length === 0 && { base: sample }) };
}

/** The classical Runge–Kutta weights. */
const rungeKutta: readonly number[] = [1 / 6, 1 / 3, 1 / 3, 1 / 6];

function prkStep({ prk, stride }: Table, transfer: Transfer, state: SamplerState, output: Tensor, t: number): Advance {
  const { index, history, partial } = state;
  const stage = index % 4;
  const base = stage === 0 ? state.sample : (state.base ?? state.sample);
  const sum = weightedSum([[rungeKutta[stage]!, output], ...(partial && stage > 0 ? [[1, partial] as const] : [])]);
  const to = stage % 2 === 0 ? t - Math.floor(stride / 2) : t;
  const sample = transfer(base, stage === 3 ? sum : output, prk[index - stage]!, to);
  return { sample, history: stage === 0 ? [output, ...history] : history, base, ...(stage < 3 && { partial: sum }) };
}
