import { type DPMSolverMultistepOptions, dpmSolverFields } from "./dpm-solver-multistep.js";
import { checkOrder, multistepSampler } from "./dpm-solver-step.js";
import { alphaBars, trainingSigmas } from "./noise-schedule.js";
import type { Fields, Settings } from "./option-fields.js";
import { planOf } from "./plan.js";
import { planRequest } from "./plan-request.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { flowSigmas, sigmaScheduleOf, spacedSigmas } from "./sigma-schedules.js";
import { checkFlow, type LevelTable, usableSteps } from "./solver-levels.js";
import { roundHalfEven, spacedTimesteps } from "./spacing.js";
import { type TrainingLevels, trainingLevels } from "./training-levels.js";

/** Options of `DPMSolverMultistepInverseScheduler`, with the defaults of Diffusers. */
export type DPMSolverMultistepInverseOptions = Omit<
  DPMSolverMultistepOptions,
  "finalSigmasType" | "rescaleBetasZeroSnr" | "useLuLambdas"
>;

const { finalSigmasType: _end, rescaleBetasZeroSnr: _zero, useLuLambdas: _lu, ...rest } = dpmSolverFields;
const fields: Fields<DPMSolverMultistepInverseOptions> = rest;

const name = "DPMSolverMultistepInverseScheduler";

type InverseSettings = Settings<DPMSolverMultistepInverseOptions>;

/**
 * DPM-Solver and DPM-Solver++ (Lu et al. 2022) run backwards, from a picture to the noise that makes it, Diffusers'
 * `DPMSolverMultistepInverseScheduler`. Timesteps ascend, `strength` keeps the first of them, and a run begins with
 * `plan.state(latents)`. As in Diffusers, the levels of `useFlowSigmas` descend; only there the "sde" algorithms,
 * which draw noise at every step, have a meaning.
 *
 * @example
 * ```ts
 * const plan = new DPMSolverMultistepInverseScheduler().plan({ numInferenceSteps: 6 });
 * plan.timesteps; // [0, 166, 333, 500, 666, 832]
 * ```
 */
export const DPMSolverMultistepInverseScheduler: SchedulerClass<DPMSolverMultistepInverseOptions> = schedulerClass(
  name,
  fields,
  (settings) => {
    checkSettings(settings);
    const bars = alphaBars({ ...settings, rescaleBetasZeroSnr: false });
    const levels = trainingLevels(trainingSigmas(bars));
    const usable = usableSteps(bars, settings.lambdaMinClipped);
    return (options) => {
      const request = planRequest(options, { name, numTrainTimesteps: settings.numTrainTimesteps });
      const table = tableOf(settings, levels, request.count, usable);
      const sampler = multistepSampler(name, settings, table);
      return planOf({ ...sampler, ascending: !settings.useFlowSigmas }, { ...request, count: table.timesteps.length });
    };
  },
);
export type DPMSolverMultistepInverseScheduler = Scheduler;

function checkSettings(settings: InverseSettings): void {
  const { algorithmType, useFlowSigmas } = settings;
  checkFlow(settings);
  const schedule = sigmaScheduleOf(settings);
  if (schedule && useFlowSigmas) throw new RangeError(`${schedule}: its levels are not those of useFlowSigmas`);
  checkOrder(settings, algorithmType.startsWith("sde") ? 2 : 3);
  if (!algorithmType.startsWith("sde") || useFlowSigmas) return;
  throw new RangeError(
    `algorithmType: "${algorithmType}" adds noise while it removes some; backwards, expected "dpmsolver++" or "dpmsolver"`,
  );
}

function tableOf(settings: InverseSettings, levels: TrainingLevels, count: number, usable: number): LevelTable {
  const { timesteps, sigmas } =
    formulaLevels(settings, levels, count) ?? timestepLevels(settings, levels, count, usable);
  // Diffusers drops the timesteps that rounding makes equal, but not their levels, so that a run ends below the last
  const distinct = [...new Set(timesteps)];
  return { timesteps: distinct.map(Math.trunc), sigmas: sigmas.slice(0, distinct.length + 1).map(Math.fround) };
}

function formulaLevels(settings: InverseSettings, levels: TrainingLevels, count: number): LevelTable | undefined {
  const { numTrainTimesteps, useFlowSigmas, flowShift } = settings;
  const schedule = sigmaScheduleOf(settings);
  if (!schedule && !useFlowSigmas) return undefined;
  const sigmas = schedule
    ? spacedSigmas(schedule, levels.min, levels.max, count)
    : flowSigmas(count, numTrainTimesteps, flowShift);
  const timesteps = sigmas.map((sigma) => (schedule ? levels.timestep(sigma) : sigma * numTrainTimesteps));
  return {
    timesteps: schedule === "useKarrasSigmas" ? timesteps.map(roundHalfEven) : timesteps,
    sigmas: [...sigmas, sigmas.at(-1)!],
  };
}

function timestepLevels(
  { numTrainTimesteps: trainSteps, stepsOffset, timestepSpacing }: InverseSettings,
  levels: TrainingLevels,
  count: number,
  usable: number,
): LevelTable {
  const spacing = { count, trainSteps, stepsOffset, dropped: 1, dropsNoisiest: true, usable };
  const timesteps = spacedTimesteps(timestepSpacing, spacing).map(roundHalfEven).reverse();
  return { timesteps, sigmas: [...timesteps, usable - 1].map(levels.sigma) };
}
