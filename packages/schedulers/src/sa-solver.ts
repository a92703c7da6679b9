import { type Tensor, type Term, weightedSum } from "@latentkit/core";
import { type IntegrandKind, integrandOf } from "./integrand.js";
import { lagrangeWeights } from "./lagrange-weights.js";
import { alphaBars, trainingSigmas } from "./noise-schedule.js";
import { type Fields, integer, nullable, oneOf, realOrMinusInfinity, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import { type Level, levelOf } from "./prediction.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { sigmaScheduleOf } from "./sigma-schedules.js";
import {
  checkDistinct,
  checkFlow,
  halfLogSnr,
  type LevelTable,
  type SolverOptions,
  solverFields,
  solverLevel,
  tableToLowest,
  usableSteps,
} from "./solver-levels.js";
import { trainingLevels } from "./training-levels.js";

/** Options of `SASolverScheduler`, with the defaults of Diffusers. */
export interface SASolverOptions
  extends Omit<SolverOptions, "finalSigmasType" | "rescaleBetasZeroSnr" | "solverOrder"> {
  /** Steps that the predictor looks back on, 1 to 4. @default 2 */
  readonly predictorOrder?: number | undefined;
  /** Outputs that the corrector combines, 1 to 4. @default 2 */
  readonly correctorOrder?: number | undefined;
  /**
   * How random the run is at a timestep: 0 is the ODE, 1 the SDE. A function is no part of the JSON of a config.
   * @default null, 1 from 200 to 800 and 0 elsewhere
   */
  readonly tauFunc?: ((timestep: number) => number) | null | undefined;
  /** Integrates the predicted sample, or the predicted noise. @default "data_prediction" */
  readonly algorithmType?: "data_prediction" | "noise_prediction" | undefined;
  /** Leaves out the training steps with a λ below this; cosine schedules need -5.1. @default -Infinity */
  readonly lambdaMinClipped?: number | undefined;
  /** The network's second half of channels, a variance, is ignored. @default null */
  readonly varianceType?: "learned" | "learned_range" | null | undefined;
}

const { finalSigmasType: _final, rescaleBetasZeroSnr: _zero, solverOrder: _order, ...shared } = solverFields;

const fields: Fields<SASolverOptions> = {
  ...shared,
  predictorOrder: integer(2, 1),
  correctorOrder: integer(2, 1),
  tauFunc: { initial: null, accepts: "a function of the timestep, or null", read: tauFunction },
  algorithmType: oneOf("data_prediction", ["data_prediction", "noise_prediction"]),
  lambdaMinClipped: realOrMinusInfinity(-Infinity),
  varianceType: nullable(oneOf("learned", ["learned", "learned_range"])),
};

type Tau = (timestep: number) => number;

const isTau = (value: unknown): value is Tau => typeof value === "function";

function tauFunction(value: unknown): Tau | null | undefined {
  return value === null || isTau(value) ? value : undefined;
}

const middleOfTraining: Tau = (timestep) => (timestep >= 200 && timestep <= 800 ? 1 : 0);

const name = "SASolverScheduler";

type SASettings = Settings<SASolverOptions>;

/**
 * SA-Solver (Xue et al. 2023, algorithm 1): a stochastic Adams predictor whose result the next network output corrects,
 * Diffusers' `SASolverScheduler`. Draws noise at every step, also where tau is 0. Ends at the lowest training level.
 *
 * @example
 * ```ts
 * const scheduler = new SASolverScheduler({ predictorOrder: 3, tauFunc: (t) => (t > 500 ? 0.5 : 0) });
 * const plan = scheduler.plan({ numInferenceSteps: 20 });
 * ```
 */
export const SASolverScheduler: SchedulerClass<SASolverOptions> = schedulerClass(name, fields, (settings) => {
  checkFlow(settings);
  sigmaScheduleOf(settings);
  for (const key of ["predictorOrder", "correctorOrder"] as const) {
    if (settings[key] > 4) throw new RangeError(`${key}: expected 1 to 4, got ${settings[key]}`);
  }
  const bars = alphaBars(settings);
  const levels = trainingLevels(trainingSigmas(bars));
  const usable = usableSteps(bars, settings.lambdaMinClipped);
  return (options) => {
    const request = planRequest(options, { name, numTrainTimesteps: settings.numTrainTimesteps });
    const table = tableToLowest(settings, levels, request, usable);
    return planOf(sampler(settings, table, bars), request);
  };
});
export type SASolverScheduler = Scheduler;

function sampler(settings: SASettings, table: LevelTable, bars: Float32Array): Sampler {
  checkDistinct(table);
  const { timesteps, sigmas } = table;
  const { algorithmType, correctorOrder, lowerOrderFinal, predictionType, predictorOrder, varianceType } = settings;
  const integrates = algorithmType === "data_prediction" ? "clean" : "noise";
  const tau = settings.tauFunc ?? middleOfTraining;
  const level = (at: number): Level => solverLevel(sigmas[at]!, settings.useFlowSigmas);
  const left = (at: number): number => (lowerOrderFinal ? timesteps.length - at : Infinity);
  return {
    name,
    timesteps,
    sigmas,
    // Diffusers noises by the timestep, whatever the level
    level: (at) => levelOf(bars[timesteps[at]!]!),
    learnsVariance: varianceType !== null && predictionType === "epsilon",
    step({ sample, history, partial }, output, at, draw) {
      const { clean, integrand } = integrandOf(integrates, settings, sample, output, level(at));
      const known = [integrand, ...history];
      const correctedBy = known.slice(0, Math.min(correctorOrder, left(at) + 2));
      const corrected = partial
        ? integrated(adamsStep(integrates, level, at, tau(timesteps[at - 1]!)), partial, correctedBy, 0)
        : sample;
      const step = adamsStep(integrates, level, at + 1, tau(timesteps[at]!));
      const base = weightedSum([
        [step.ratio, corrected],
        [step.noise, draw()],
      ]);
      const next = integrated(step, base, known.slice(0, Math.min(predictorOrder, left(at))), 1);
      const kept = Math.max(predictorOrder, correctorOrder - 1);
      return { sample: next, predOriginalSample: clean, history: known.slice(0, kept), partial: base };
    },
  };
}

/** A step to the level `at` from the one before: x_t = ratio · x + noise · ε + gain · ∫ e^(rate·u) f du over its length. */
interface AdamsStep {
  readonly ratio: number;
  readonly noise: number;
  readonly gain: number;
  readonly rate: number;
  readonly length: number;
  /** λ `back` levels before the target, seen from there. */
  node(back: number): number;
}

/** Equations 8 and 9 for the predicted sample, and their twins for the predicted noise, with a constant tau. */
function adamsStep(integrates: IntegrandKind, level: (at: number) => Level, at: number, tau: number): AdamsStep {
  const [from, to] = [level(at - 1), level(at)];
  const length = halfLogSnr(to) - halfLogSnr(from);
  const variance = 1 + tau ** 2;
  const shared = { length, node: (back: number): number => halfLogSnr(level(at - back)) - halfLogSnr(to) };
  return integrates === "clean"
    ? {
        ...shared,
        ratio: Math.exp(-(tau ** 2) * length) * (to.sigma / from.sigma),
        // levels that rounding puts in the wrong order are as good as equal
        noise: to.sigma * Math.sqrt(Math.max(-Math.expm1(-2 * tau ** 2 * length), 0)),
        gain: variance * to.alpha,
        rate: variance,
      }
    : {
        ...shared,
        ratio: to.alpha / from.alpha,
        noise: tau * to.sigma * Math.sqrt(Math.max(Math.expm1(2 * length), 0)),
        gain: -variance * to.sigma,
        rate: -1,
      };
}

/** Adds the integral to what a step began with. The newest output was made `newest` levels before the target. */
function integrated(step: AdamsStep, base: Tensor, outputs: readonly Tensor[], newest: 0 | 1): Tensor {
  const nodes = outputs.map((_, i) => step.node(newest + i));
  const weights = lagrangeWeights(nodes, -step.length, step.rate);
  const shift = outputs.length === 2 && step.rate > 0 ? fewStepsTerm(step, nodes) : 0;
  const [first = 0, second = 0, ...rest] = weights;
  const shifted = [first + shift, second - shift, ...rest];
  return weightedSum([[1, base], ...outputs.map((output, i): Term => [step.gain * shifted[i]!, output])]);
}

/** A term of third order in the step's length that Diffusers moves between two outputs, better for few steps. */
function fewStepsTerm({ length, rate }: AdamsStep, [newer, older]: readonly number[]): number {
  const exact = (rate * length + Math.expm1(-rate * length)) / rate ** 2;
  return (length ** 2 / 2 - exact) / (newer! - older!);
}
