import { type Tensor, type Term, weightedSum } from "@latentkit/core";
import { predictedSample } from "./clipping.js";
import { alphaBars, smallestAlphaBar, trainingSigmas } from "./noise-schedule.js";
import { type Fields, flag, integer, listOf, oneOf, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { type PlanRequest, planRequest } from "./plan-request.js";
import { denoised, type Level, predictedNoise } from "./prediction.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { sigmaScheduleOf } from "./sigma-schedules.js";
import { solveLinear } from "./solve-linear.js";
import {
  checkDistinct,
  checkFlow,
  halfLogSnr,
  isFirstOrderOnly,
  type LevelTable,
  type SolverOptions,
  solverFields,
  solverLevel,
  tableToLowest,
} from "./solver-levels.js";
import { type TrainingLevels, trainingLevels } from "./training-levels.js";

/** Options of `UniPCMultistepScheduler`, with the defaults of Diffusers. */
export interface UniPCMultistepOptions extends SolverOptions {
  /** Integrates the predicted sample; false: the predicted noise. @default true */
  readonly predictX0?: boolean | undefined;
  /** B(h) of the paper: "bh1" is h, "bh2" is eʰ − 1. @default "bh2" */
  readonly solverType?: "bh1" | "bh2" | undefined;
  /** Steps after which the corrector does not run. @default [] */
  readonly disableCorrector?: readonly number[] | undefined;
  /** Diffusers takes another scheduler as predictor here; this class takes none. @default null */
  readonly solverP?: null | undefined;
}

const fields: Fields<UniPCMultistepOptions> = {
  ...solverFields,
  predictX0: flag(true),
  solverType: oneOf("bh2", ["bh1", "bh2"], { midpoint: "bh2", heun: "bh2", logrho: "bh2" }),
  disableCorrector: listOf(integer(0)),
  solverP: { initial: null, accepts: "null", read: (value) => (value === null ? null : undefined) },
};

const name = "UniPCMultistepScheduler";

type UniPCSettings = Settings<UniPCMultistepOptions>;

/**
 * UniPC (Zhao et al. 2023, algorithms 5 to 8), Diffusers' `UniPCMultistepScheduler`: a multistep predictor whose
 * result the next network output corrects.
 *
 * @example
 * ```ts
 * const plan = new UniPCMultistepScheduler({ betaSchedule: "scaled_linear" }).plan({ numInferenceSteps: 10 });
 * ```
 */
export const UniPCMultistepScheduler: SchedulerClass<UniPCMultistepOptions> = schedulerClass(
  name,
  fields,
  (settings) => {
    checkFlow(settings);
    const levels = trainingLevels(trainingSigmas(alphaBars(settings, smallestAlphaBar)));
    sigmaScheduleOf(settings);
    return (options) => {
      const request = planRequest(options, { name, numTrainTimesteps: settings.numTrainTimesteps });
      return planOf(sampler(settings, tableOf(settings, levels, request)), request);
    };
  },
);
export type UniPCMultistepScheduler = Scheduler;

function tableOf(settings: UniPCSettings, levels: TrainingLevels, request: PlanRequest): LevelTable {
  const { timesteps, sigmas } = tableToLowest(settings, levels, request);
  return settings.finalSigmasType === "zero"
    ? { timesteps, sigmas: [...sigmas.slice(0, -1), 0] }
    : { timesteps, sigmas };
}

function sampler(settings: UniPCSettings, table: LevelTable): Sampler {
  checkDistinct(table);
  const { timesteps, sigmas } = table;
  const { disableCorrector, predictionType, predictX0, solverOrder, useFlowSigmas } = settings;
  const level = (at: number): Level => solverLevel(sigmas[at]!, useFlowSigmas);
  const order = (at: number, known: number): number => Math.min(known, orderAt(settings, sigmas, at));
  return {
    name,
    timesteps,
    sigmas,
    level,
    step({ sample, history, base }, output, at) {
      const predOriginalSample = predictX0
        ? predictedSample(settings, sample, output, level(at))
        : denoised(predictionType, sample, output, level(at));
      const integrand = predictX0 ? predOriginalSample : predictedNoise(predictionType, sample, output, level(at));
      const corrects = base !== undefined && !disableCorrector.includes(at - 1);
      const corrected = corrects
        ? advance(settings, base, history.slice(0, order(at - 1, history.length)), level, at, integrand)
        : sample;
      const outputs = [integrand, ...history].slice(0, solverOrder);
      const next = advance(settings, corrected, outputs.slice(0, order(at, outputs.length)), level, at + 1);
      return { sample: next, predOriginalSample, history: outputs, base: corrected };
    },
  };
}

/** The highest order of the step that starts there; the last one may be flat or infinite in λ. */
function orderAt({ lowerOrderFinal, solverOrder }: UniPCSettings, sigmas: readonly number[], at: number): number {
  if (isFirstOrderOnly(sigmas, at)) return 1;
  return lowerOrderFinal ? Math.min(solverOrder, sigmas.length - 1 - at) : solverOrder;
}

/**
 * From the level before `to` to `to`: UniP with the outputs known there (newest first), UniC when `arrived`,
 * the output at `to` itself, is known too (equations 8 and 9).
 */
function advance(
  { predictX0, solverType }: UniPCSettings,
  sample: Tensor,
  outputs: readonly Tensor[],
  level: (at: number) => Level,
  to: number,
  arrived?: Tensor,
): Tensor {
  const [target, source] = [level(to), level(to - 1)];
  const lambda = halfLogSnr(source);
  const h = halfLogSnr(target) - lambda;
  const z = predictX0 ? -h : h;
  const first = Math.expm1(z);
  const b = solverType === "bh1" ? z : first;
  // σ_t (eʰ − 1), written so that it is finite where the run ends without noise
  const noiseLead = (target.alpha * source.sigma) / source.alpha - target.sigma;
  const [ratio, gain, lead] = predictX0
    ? [target.sigma / source.sigma, target.alpha, target.alpha * first]
    : [target.alpha / source.alpha, target.sigma, noiseLead];
  const [newest, ...older] = outputs;
  const ratios = older.map((_, i) => (halfLogSnr(level(to - 2 - i)) - lambda) / h);
  const rho = arrived ? correctorWeights(ratios, z, b) : predictorWeights(ratios, z, b);
  const differences = [...older.map((_, i) => rho[i]! / ratios[i]!), ...(arrived ? [rho.at(-1)!] : [])];
  const others = arrived ? [...older, arrived] : older;
  const total = differences.reduce((sum, weight) => sum + weight, 0);
  return weightedSum([
    [ratio, sample],
    [(others.length > 0 ? gain * b * total : 0) - lead, newest!],
    ...others.map((other, i): Term => [-gain * b * differences[i]!, other]),
  ]);
}

function predictorWeights(ratios: readonly number[], z: number, b: number): number[] {
  return ratios.length < 2 ? ratios.map(() => 0.5) : matchedWeights(ratios, z, b);
}

function correctorWeights(ratios: readonly number[], z: number, b: number): number[] {
  return ratios.length === 0 ? [0.5] : matchedWeights([...ratios, 1], z, b);
}

/** Weights ρ for which Σ ρ_k r_kⁿ⁻¹ equals n! φ_{n+1}(z) / B for n = 1, 2, … (equation 10). */
function matchedWeights(ratios: readonly number[], z: number, b: number): number[] {
  const moments: number[] = [];
  let [phi, factorial] = [Math.expm1(z) / z - 1, 1];
  for (let n = 1; n <= ratios.length; n++) {
    moments.push((phi * factorial) / b);
    factorial *= n + 1;
    phi = phi / z - 1 / factorial;
  }
  const powers = ratios.map((_, n) => ratios.map((ratio) => ratio ** n));
  return solveLinear(powers, moments);
}
