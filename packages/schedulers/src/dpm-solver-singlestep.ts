import {
  checkFinalSigma,
  checkOrder,
  type DPMSolverAlgorithm,
  exponentialStep,
  integrandKind,
  type Phis,
} from "./dpm-solver-step.js";
import { integrandOf } from "./integrand.js";
import { alphaBars, trainingSigmas } from "./noise-schedule.js";
import { type Fields, flag, nullable, oneOf, realOrMinusInfinity, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { type PlanRequest, planRequest } from "./plan-request.js";
import type { Level } from "./prediction.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { sigmaScheduleOf } from "./sigma-schedules.js";
import {
  checkDistinct,
  checkFlow,
  formulaLevels,
  halfLogSnr,
  type LevelTable,
  type SolverOptions,
  solverFields,
  solverLevel,
  usableSteps,
  visitedLevels,
} from "./solver-levels.js";
import { type TrainingLevels, trainingLevels } from "./training-levels.js";

/** Options of `DPMSolverSinglestepScheduler`, with the defaults of Diffusers. */
export interface DPMSolverSinglestepOptions
  extends Omit<SolverOptions, "lowerOrderFinal" | "rescaleBetasZeroSnr" | "stepsOffset" | "timestepSpacing"> {
  /** @default "dpmsolver++" */
  readonly algorithmType?: Exclude<DPMSolverAlgorithm, "sde-dpmsolver"> | undefined;
  /** How differences of predictions are weighed. @default "midpoint" */
  readonly solverType?: "midpoint" | "heun" | undefined;
  /** Ends with a lower order; so do runs that end without noise, or that no multiple of the order fits. @default false */
  readonly lowerOrderFinal?: boolean | undefined;
  /** Leaves out the training steps with a λ below this; cosine schedules need -5.1. @default -Infinity */
  readonly lambdaMinClipped?: number | undefined;
  /** The network's second half of channels, a variance, is ignored. @default null */
  readonly varianceType?: "learned" | "learned_range" | null | undefined;
}

const { rescaleBetasZeroSnr: _zero, stepsOffset: _offset, timestepSpacing: _spacing, ...shared } = solverFields;

const fields: Fields<DPMSolverSinglestepOptions> = {
  ...shared,
  algorithmType: oneOf("dpmsolver++", ["dpmsolver", "dpmsolver++", "sde-dpmsolver++"], { deis: "dpmsolver++" }),
  solverType: oneOf("midpoint", ["midpoint", "heun"], { logrho: "midpoint", bh1: "midpoint", bh2: "midpoint" }),
  lowerOrderFinal: flag(false),
  lambdaMinClipped: realOrMinusInfinity(-Infinity),
  varianceType: nullable(oneOf("learned", ["learned", "learned_range"])),
};

const name = "DPMSolverSinglestepScheduler";

type SinglestepSettings = Settings<DPMSolverSinglestepOptions>;

/**
 * DPM-Solver and DPM-Solver++ of orders 1 to 3 (Lu et al. 2022), singlestep, Diffusers' `DPMSolverSinglestepScheduler`:
 * every `solverOrder` network calls begin anew and end in one step over all of them. "sde-dpmsolver++" draws noise at
 * every call.
 *
 * @example
 * ```ts
 * const scheduler = new DPMSolverSinglestepScheduler({ solverOrder: 3, betaSchedule: "scaled_linear" });
 * const plan = scheduler.plan({ numInferenceSteps: 9 });
 * ```
 */
export const DPMSolverSinglestepScheduler: SchedulerClass<DPMSolverSinglestepOptions> = schedulerClass(
  name,
  fields,
  (settings) => {
    checkFlow(settings);
    checkFinalSigma(settings);
    checkOrder(settings, 3);
    const bars = alphaBars(settings);
    const levels = trainingLevels(trainingSigmas(bars));
    const usable = usableSteps(bars, settings.lambdaMinClipped);
    const chosenBy = sigmaScheduleOf(settings) ?? (settings.useFlowSigmas ? "useFlowSigmas" : undefined);
    return (options) => {
      const { numTrainTimesteps } = settings;
      const request = planRequest(options, { name, numTrainTimesteps, lists: ["timesteps"], chosenBy });
      return planOf(sampler(settings, tableOf(settings, levels, request, usable)), request);
    };
  },
  (settings) => ({ ...settings, lowerOrderFinal: settings.lowerOrderFinal || settings.finalSigmasType === "zero" }),
);
export type DPMSolverSinglestepScheduler = Scheduler;

function tableOf(
  settings: SinglestepSettings,
  levels: TrainingLevels,
  request: PlanRequest,
  usable: number,
): LevelTable {
  const last = settings.finalSigmasType === "zero" ? 0 : levels.min;
  const { timesteps, sigmas } =
    formulaLevels(settings, levels, request.count) ??
    visitedLevels({ ...settings, timestepSpacing: "linspace", stepsOffset: 0 }, levels, request, usable);
  return { timesteps, sigmas: [...sigmas, last].map(Math.fround) };
}

function sampler(settings: SinglestepSettings, table: LevelTable): Sampler {
  checkDistinct(table);
  const { timesteps, sigmas } = table;
  const { algorithmType, predictionType, solverOrder, solverType, useFlowSigmas, varianceType } = settings;
  const integrates = integrandKind(algorithmType);
  const level = (at: number): Level => solverLevel(sigmas[at]!, useFlowSigmas);
  return {
    name,
    timesteps,
    sigmas,
    level,
    learnsVariance: varianceType !== null && predictionType === "epsilon",
    step({ sample, history, base }, output, at, draw) {
      const { clean, integrand } = integrandOf(integrates, settings, sample, output, level(at));
      const known = [integrand, ...history].slice(0, solverOrder);
      // a run that begins within a group has fewer outputs than its orders ask for
      const outputs = known.slice(0, orderAt(settings, timesteps.length, at));
      const start = outputs.length > 1 && base ? base : sample;
      const from = level(at + 1 - outputs.length);
      const lambdas = [at + 1, ...outputs.map((_, i) => at - i)].map((i) => halfLogSnr(level(i)));
      const weigh = (phis: Phis): readonly number[] => outputWeights(phis, solverType, lambdas);
      const next = exponentialStep(algorithmType, [from, level(at + 1)], start, outputs, weigh, draw);
      return { sample: next, predOriginalSample: clean, history: known.slice(0, solverOrder - 1), base: start };
    },
  };
}

/** 1, 2, … `solverOrder`, 1, 2, …; the last step is of first order where it would be the last of a group or ends at 0. */
function orderAt(
  { finalSigmasType, lowerOrderFinal, solverOrder }: SinglestepSettings,
  count: number,
  at: number,
): number {
  const lowered = finalSigmasType === "zero" || (lowerOrderFinal && count % solverOrder === 0);
  return at === count - 1 && lowered ? 1 : (at % solverOrder) + 1;
}

/** Weights of outputs, newest first, in a step that begins at the level of the oldest; `lambdas` begin with the target. */
function outputWeights(
  { first, half, second, third }: Phis,
  solverType: "midpoint" | "heun",
  lambdas: readonly number[],
): readonly number[] {
  const [order, origin] = [lambdas.length - 1, lambdas.at(-1)!];
  if (order === 1) return [first];
  const share = (i: number): number => (lambdas[i]! - origin) / (lambdas[0]! - origin);
  const [r0, r1] = [share(1), share(2)];
  if (order === 2) {
    const newest = (solverType === "heun" ? second : half) / r0;
    return [newest, first - newest];
  }
  if (solverType === "midpoint") return [second / r0, 0, first - second / r0];
  const newest = (2 * third - second * r1) / (r0 - r1) / r0;
  const middle = (second * r0 - 2 * third) / (r0 - r1) / r1;
  return [newest, middle, first - newest - middle];
}
