import { weightedSum } from "@latentkit/core";
import { torchExp, torchLog } from "./float32-functions.js";
import { alphaBars, trainingSigmas } from "./noise-schedule.js";
import { type Fields, oneOf, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import { denoised } from "./prediction.js";
import type { Planner } from "./scheduler-class.js";
import { type SigmaOptions, sigmaFields, sigmaLevels } from "./sigma-levels.js";
import { sigmaScheduleOf } from "./sigma-schedules.js";
import { initialSigma, slopeTerms, unitVarianceScale } from "./sigma-space.js";
import type { LevelTable } from "./solver-levels.js";
import { roundHalfEven } from "./spacing.js";
import { trainingLevels } from "./training-levels.js";

/** Options of `KDPM2DiscreteScheduler` and `KDPM2AncestralDiscreteScheduler`, with the defaults of Diffusers. */
export interface KDPM2Options extends SigmaOptions {
  /** @default "epsilon" */
  readonly predictionType?: "epsilon" | "v_prediction" | undefined;
}

export const dpm2Fields: Fields<KDPM2Options> = {
  ...sigmaFields(),
  predictionType: oneOf("epsilon", ["epsilon", "v_prediction"]),
};

/** Where a step leads. */
export interface DPM2Target {
  /** The level in the middle, in log σ, of the way to `down`, where the second network call is. */
  readonly middle: number;
  /** The end of the step's ODE part. */
  readonly down: number;
  /** The noise added after it; none is drawn where this is left out. */
  readonly up?: number;
}

/** How the two classes differ. */
export interface DPM2Rule {
  readonly name: string;
  /** The target of a step between two levels above 0. */
  target(from: number, to: number): DPM2Target;
}

interface Interval extends DPM2Target {
  readonly sigma: number;
}

/** Plans of DPM-Solver-2 in σ. */
export function dpm2Planner(settings: Settings<KDPM2Options>, rule: DPM2Rule): Planner {
  const levels = trainingLevels(trainingSigmas(alphaBars(settings)));
  const schedule = sigmaScheduleOf(settings);
  return (options) => {
    const request = planRequest(options, { name: rule.name, numTrainTimesteps: settings.numTrainTimesteps });
    const visited = sigmaLevels(settings, levels, request);
    const timesteps = schedule === "useKarrasSigmas" ? visited.timesteps.map(roundHalfEven) : visited.timesteps;
    const sigmas = [...visited.sigmas, 0].map(Math.fround);
    const intervals = timesteps.map((_, i) => intervalOf(rule, sigmas[i]!, sigmas[i + 1]!));
    // Diffusers computes these in float32 throughout, the others in part
    const between = intervals.slice(0, -1).map(({ middle }) => levels.timestep(middle, Math.fround));
    const table = interleaved(timesteps, between, sigmas);
    return planOf(sampler(rule.name, settings, intervals, table), request);
  };
}

function intervalOf(rule: DPM2Rule, sigma: number, to: number): Interval {
  return { sigma, ...(to === 0 ? { middle: 0, down: 0 } : rule.target(sigma, to)) };
}

/** The geometric mean, rounded where `a.log().lerp(b.log(), 0.5).exp()` is: timesteps hang on it. */
export function middleOf(a: number, b: number): number {
  const { fround } = Math;
  const [from, to] = [torchLog(a), torchLog(b)];
  return torchExp(fround(to - fround(fround(to - from) / 2)));
}

/** Timesteps with those of the middles between them; every later level twice, as Diffusers lists them, zeros at the end. */
function interleaved(
  [start, ...rest]: readonly number[],
  between: readonly number[],
  [first, ...later]: readonly number[],
): LevelTable {
  return {
    timesteps: [start!, ...rest.flatMap((t, i) => [between[i]!, t])],
    sigmas: [first!, ...later.flatMap((sigma) => [sigma, sigma]), 0],
  };
}

function sampler(
  name: string,
  { predictionType, timestepSpacing }: Settings<KDPM2Options>,
  intervals: readonly Interval[],
  { timesteps, sigmas }: LevelTable,
): Sampler {
  const intervalAt = (at: number): Interval => intervals[Math.floor(at / 2)]!;
  const inputSigma = (at: number): number => (at % 2 === 0 ? intervalAt(at).sigma : intervalAt(at).middle);
  return {
    name,
    timesteps,
    sigmas,
    order: 2,
    initNoiseSigma: initialSigma(sigmas, timestepSpacing),
    level: (at) => ({ alpha: 1, sigma: sigmas[at]! }),
    inputScale: (at) => unitVarianceScale(inputSigma(at)),
    step({ sample, base }, output, at, draw) {
      const { sigma, middle, down, up } = intervalAt(at);
      const current = inputSigma(at);
      const predOriginalSample = denoised(predictionType, sample, output, { alpha: 1, sigma: current });
      const moved = (length: number) => slopeTerms(sample, predOriginalSample, current, length);
      if (at % 2 === 0) {
        const next = weightedSum([[1, sample], ...moved(middle - sigma)]);
        return { sample: next, predOriginalSample, base: sample };
      }
      if (!base) throw new RangeError(`state: ${name} begins at even steps only, got ${at}`);
      const next = weightedSum([
        [1, base],
        ...moved(down - sigma),
        ...(up === undefined ? [] : [[up, draw()] as const]),
      ]);
      return { sample: next, predOriginalSample };
    },
  };
}
