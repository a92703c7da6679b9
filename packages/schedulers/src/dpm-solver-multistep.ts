import { checkFinalSigma, checkOrder, type DPMSolverAlgorithm, multistepSampler } from "./dpm-solver-step.js";
import { alphaBars, smallestAlphaBar, trainingSigmas } from "./noise-schedule.js";
import { type Fields, flag, nullable, oneOf, realOrMinusInfinity, type Settings } from "./option-fields.js";
import { planOf } from "./plan.js";
import { type PlanRequest, planRequest } from "./plan-request.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { sigmaScheduleOf } from "./sigma-schedules.js";
import {
  checkFlow,
  formulaLevels,
  type LevelTable,
  type SolverOptions,
  solverFields,
  usableSteps,
  visitedLevels,
} from "./solver-levels.js";
import { linspace, roundHalfEven } from "./spacing.js";
import { type TrainingLevels, trainingLevels } from "./training-levels.js";

/** Options of `DPMSolverMultistepScheduler`, with the defaults of Diffusers. */
export interface DPMSolverMultistepOptions extends SolverOptions {
  /** @default "dpmsolver++" */
  readonly algorithmType?: DPMSolverAlgorithm | undefined;
  /** How second-order steps weigh the difference of two predictions. @default "midpoint" */
  readonly solverType?: "midpoint" | "heun" | undefined;
  /** Makes the last step of first order. @default false */
  readonly eulerAtFinal?: boolean | undefined;
  /** Levels evenly in λ (Lu et al. 2022). @default false */
  readonly useLuLambdas?: boolean | undefined;
  /** Leaves out the training steps with a λ below this; cosine schedules need -5.1. @default -Infinity */
  readonly lambdaMinClipped?: number | undefined;
  /** The network's second half of channels, a variance, is ignored. @default null */
  readonly varianceType?: "learned" | "learned_range" | null | undefined;
}

const algorithms = ["dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"] as const;

export const dpmSolverFields: Fields<DPMSolverMultistepOptions> = {
  ...solverFields,
  algorithmType: oneOf("dpmsolver++", algorithms, { deis: "dpmsolver++" }),
  solverType: oneOf("midpoint", ["midpoint", "heun"], { logrho: "midpoint", bh1: "midpoint", bh2: "midpoint" }),
  eulerAtFinal: flag(false),
  useLuLambdas: flag(false),
  lambdaMinClipped: realOrMinusInfinity(-Infinity),
  varianceType: nullable(oneOf("learned", ["learned", "learned_range"])),
};

const name = "DPMSolverMultistepScheduler";

type DPMSettings = Settings<DPMSolverMultistepOptions>;

/**
 * DPM-Solver and DPM-Solver++ of orders 1 to 3 (Lu et al. 2022), multistep, Diffusers'
 * `DPMSolverMultistepScheduler`. The "sde" algorithms draw noise at every step, the last one too.
 *
 * @example
 * ```ts
 * const scheduler = new DPMSolverMultistepScheduler({ useKarrasSigmas: true, betaSchedule: "scaled_linear" });
 * const plan = scheduler.plan({ numInferenceSteps: 20 });
 * ```
 */
export const DPMSolverMultistepScheduler: SchedulerClass<DPMSolverMultistepOptions> = schedulerClass(
  name,
  dpmSolverFields,
  (settings) => {
    checkSettings(settings);
    const bars = alphaBars(settings, smallestAlphaBar);
    const levels = trainingLevels(trainingSigmas(bars));
    const usable = usableSteps(bars, settings.lambdaMinClipped);
    const formula = (["useLuLambdas", "useFlowSigmas"] as const).find((option) => settings[option]);
    const chosenBy = sigmaScheduleOf(settings) ?? formula;
    return (options) => {
      const { numTrainTimesteps } = settings;
      const request = planRequest(options, { name, numTrainTimesteps, lists: ["timesteps"], chosenBy });
      return planOf(multistepSampler(name, settings, tableOf(settings, levels, request, usable)), request);
    };
  },
);
export type DPMSolverMultistepScheduler = Scheduler;

function checkSettings(settings: DPMSettings): void {
  checkFlow(settings);
  checkFinalSigma(settings);
  checkOrder(settings, settings.algorithmType === "sde-dpmsolver" ? 2 : 3);
}

function tableOf(settings: DPMSettings, levels: TrainingLevels, request: PlanRequest, usable: number): LevelTable {
  const last = settings.finalSigmasType === "zero" ? 0 : levels.min;
  const { timesteps, sigmas } =
    luLevels(settings, levels, request.count) ??
    formulaLevels(settings, levels, request.count) ??
    visitedLevels(settings, levels, request, usable);
  return { timesteps, sigmas: [...sigmas, last].map(Math.fround) };
}

function luLevels(
  { useLuLambdas, useKarrasSigmas }: DPMSettings,
  levels: TrainingLevels,
  count: number,
): LevelTable | undefined {
  if (!useLuLambdas || useKarrasSigmas) return undefined;
  const sigmas = linspace(Math.log(levels.max), Math.log(levels.min), count).map(Math.exp);
  return { timesteps: sigmas.map((sigma) => roundHalfEven(levels.timestep(sigma))), sigmas };
}
