import { type ThresholdingOptions, thresholdingFields } from "./clipping.js";
import { type NoiseOptions, noiseFields, type ZeroSnrOptions } from "./noise-schedule.js";
import { type Fields, flag, integer, oneOf, real, type Settings } from "./option-fields.js";
import type { PlanRequest } from "./plan-request.js";
import type { Level, PredictionType } from "./prediction.js";
import {
  flowSigmas,
  type SigmaScheduleOptions,
  sigmaScheduleFields,
  sigmaScheduleOf,
  spacedSigmas,
} from "./sigma-schedules.js";
import { roundHalfEven, spacedTimesteps, type TimestepSpacing, timestepSpacings } from "./spacing.js";
import type { TrainingLevels } from "./training-levels.js";

/** Options that the multistep solvers in λ = log(alpha / sigma) share. */
export interface SolverOptions extends NoiseOptions, ZeroSnrOptions, SigmaScheduleOptions, ThresholdingOptions {
  /** Highest order of a step. @default 2 */
  readonly solverOrder?: number | undefined;
  /** @default "epsilon" */
  readonly predictionType?: PredictionType | undefined;
  /** Lowers the order over the last steps; DPM-Solver does so below 15 steps. @default true */
  readonly lowerOrderFinal?: boolean | undefined;
  /** Rectified-flow levels: x = (1 − σ) x₀ + σ ε. @default false */
  readonly useFlowSigmas?: boolean | undefined;
  /** Shift of those towards noise. @default 1 */
  readonly flowShift?: number | undefined;
  /** The last level: 0, or the lowest of training. @default "zero" */
  readonly finalSigmasType?: "zero" | "sigma_min" | undefined;
  /** @default "linspace" */
  readonly timestepSpacing?: TimestepSpacing | undefined;
  /** Added to "leading" timesteps. @default 0 */
  readonly stepsOffset?: number | undefined;
}

export const solverFields: Fields<SolverOptions> = {
  ...noiseFields(),
  solverOrder: integer(2, 1),
  predictionType: oneOf("epsilon", ["epsilon", "sample", "v_prediction", "flow_prediction"]),
  ...thresholdingFields,
  lowerOrderFinal: flag(true),
  ...sigmaScheduleFields,
  useFlowSigmas: flag(false),
  flowShift: real(1),
  finalSigmasType: oneOf("zero", ["zero", "sigma_min"]),
  timestepSpacing: oneOf("linspace", timestepSpacings),
  stepsOffset: integer(0),
  rescaleBetasZeroSnr: flag(false),
};

/** Timesteps and the σ at each of them; a finished table has the level after the last, too. */
export interface LevelTable {
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
}

type LevelSettings = Pick<
  Settings<SolverOptions>,
  "numTrainTimesteps" | "useFlowSigmas" | "flowShift" | keyof SigmaScheduleOptions
>;

/** The levels that settings choose by a formula; undefined where they follow the timesteps. */
export function formulaLevels(settings: LevelSettings, levels: TrainingLevels, count: number): LevelTable | undefined {
  const schedule = sigmaScheduleOf(settings);
  if (schedule) {
    const sigmas = spacedSigmas(schedule, levels.max, levels.min, count);
    const round = schedule === "useKarrasSigmas" ? roundHalfEven : Math.trunc;
    return { timesteps: sigmas.map((sigma) => round(levels.timestep(sigma))), sigmas };
  }
  if (!settings.useFlowSigmas) return undefined;
  const { numTrainTimesteps, flowShift } = settings;
  const sigmas = flowSigmas(count, numTrainTimesteps, flowShift);
  return { timesteps: sigmas.map((sigma) => Math.trunc(sigma * numTrainTimesteps)), sigmas };
}

/** The levels at timesteps: those asked for, or spaced over the `usable` least noisy training steps. */
export function visitedLevels(
  settings: Pick<Settings<SolverOptions>, "numTrainTimesteps" | "stepsOffset" | "timestepSpacing">,
  levels: TrainingLevels,
  request: PlanRequest,
  usable: number = settings.numTrainTimesteps,
): LevelTable {
  const { numTrainTimesteps: trainSteps, stepsOffset, timestepSpacing } = settings;
  const spacing = { count: request.count, trainSteps, stepsOffset, dropped: 1, usable };
  const timesteps = request.timesteps?.map(Math.trunc) ?? spacedTimesteps(timestepSpacing, spacing).map(roundHalfEven);
  return { timesteps, sigmas: timesteps.map(levels.sigma) };
}

/** How many of the least noisy training steps have a λ of at least `min`. */
export function usableSteps(bars: Float32Array, min: number): number {
  const { fround, log, sqrt } = Math;
  const clipped = bars.filter(
    (bar) => fround(fround(log(fround(sqrt(bar)))) - fround(log(fround(sqrt(fround(1 - bar)))))) < min,
  );
  return bars.length - clipped.length;
}

/** The visited levels with the lowest one again at the end: that of a formula, else that of training. */
export function tableToLowest(
  settings: LevelSettings & Parameters<typeof visitedLevels>[0],
  levels: TrainingLevels,
  request: PlanRequest,
  usable?: number,
): LevelTable {
  const formula = formulaLevels(settings, levels, request.count);
  const { timesteps, sigmas } = formula ?? visitedLevels(settings, levels, request, usable);
  const lowest = formula ? formula.sigmas.at(-1)! : levels.min;
  return { timesteps, sigmas: [...sigmas, lowest].map(Math.fround) };
}

/** The level of a σ: variance-preserving, or a straight line from sample to noise. */
export function solverLevel(sigma: number, useFlowSigmas: boolean): Level {
  if (useFlowSigmas) return { alpha: 1 - sigma, sigma };
  const alpha = 1 / Math.sqrt(sigma ** 2 + 1);
  return { alpha, sigma: sigma * alpha };
}

/** λ, half the logarithm of the signal-to-noise ratio; +∞ at the clean end. */
export function halfLogSnr({ alpha, sigma }: Level): number {
  return Math.log(alpha) - Math.log(sigma);
}

/** @throws RangeError when a flow network is asked for without flow levels. */
export function checkFlow({
  predictionType,
  useFlowSigmas,
}: Pick<Settings<SolverOptions>, "predictionType" | "useFlowSigmas">): void {
  if (predictionType !== "flow_prediction" || useFlowSigmas) return;
  throw new RangeError('predictionType: "flow_prediction" needs useFlowSigmas');
}

/** @throws RangeError when two steps begin at one level, between which no difference can be divided. */
export function checkDistinct({ sigmas }: LevelTable): void {
  const starts = sigmas.slice(0, -1);
  if (new Set(starts).size === starts.length) return;
  throw new RangeError(`numInferenceSteps: ${starts.length} steps make two levels equal; ask for fewer`);
}

/** Whether only a first-order step leads on: to no noise at all, where λ is infinite, or to the same level. */
export function isFirstOrderOnly(sigmas: readonly number[], at: number): boolean {
  return sigmas[at + 1] === 0 || sigmas[at + 1] === sigmas[at];
}

/** The highest order of a step: below 15 steps, `lowerOrderFinal` makes the last of order 1 and the one before of order 2. */
export function loweredOrder(
  { lowerOrderFinal, solverOrder }: Pick<Settings<SolverOptions>, "lowerOrderFinal" | "solverOrder">,
  count: number,
  at: number,
): number {
  return lowerOrderFinal && count < 15 ? Math.min(solverOrder, count - at) : solverOrder;
}
