import { weightedSum } from "@latentkit/core";
import { churned, churnOf } from "./churn.js";
import {
  alphaBars,
  type NoiseOptions,
  noiseFields,
  smallestAlphaBar,
  torchLinspace,
  trainingSigmas,
  type ZeroSnrOptions,
} from "./noise-schedule.js";
import { type Fields, flag, integer, nullable, oneOf, real, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { type PlanRequest, planRequest } from "./plan-request.js";
import { denoised } from "./prediction.js";
import type { PlanOptions, Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { type SigmaScheduleOptions, sigmaScheduleFields, sigmaScheduleOf, spacedSigmas } from "./sigma-schedules.js";
import { initialSigma, unitVarianceScale } from "./sigma-space.js";
import { spacedTimesteps, type TimestepSpacing, timestepSpacings } from "./spacing.js";
import { type TrainingLevels, trainingLevels } from "./training-levels.js";

/** Options of `EulerDiscreteScheduler`, with the defaults of Diffusers. */
export interface EulerDiscreteOptions extends NoiseOptions, ZeroSnrOptions, SigmaScheduleOptions {
  /** @default "epsilon" */
  readonly predictionType?: "epsilon" | "sample" | "v_prediction" | undefined;
  /** Levels between timesteps; "log_linear" spaces them without looking at timesteps. @default "linear" */
  readonly interpolationType?: "linear" | "log_linear" | undefined;
  /** Lowest level of Karras, exponential and beta sigmas. @default null, that of the spacing */
  readonly sigmaMin?: number | null | undefined;
  /** Highest level of the same. @default null, that of the spacing */
  readonly sigmaMax?: number | null | undefined;
  /** @default "linspace" */
  readonly timestepSpacing?: TimestepSpacing | undefined;
  /** "continuous" calls v-prediction networks with log(σ) / 4. @default "discrete" */
  readonly timestepType?: "discrete" | "continuous" | undefined;
  /** Added to "leading" timesteps. @default 0 */
  readonly stepsOffset?: number | undefined;
  /** The last level: 0, or the lowest of training. @default "zero" */
  readonly finalSigmasType?: "zero" | "sigma_min" | undefined;
}

const fields: Fields<EulerDiscreteOptions> = {
  ...noiseFields(),
  predictionType: oneOf("epsilon", ["epsilon", "sample", "v_prediction"], { original_sample: "sample" }),
  interpolationType: oneOf("linear", ["linear", "log_linear"]),
  ...sigmaScheduleFields,
  sigmaMin: nullable(real(0, 0)),
  sigmaMax: nullable(real(0, 0)),
  timestepSpacing: oneOf("linspace", timestepSpacings),
  timestepType: oneOf("discrete", ["discrete", "continuous"]),
  stepsOffset: integer(0),
  rescaleBetasZeroSnr: flag(false),
  finalSigmasType: oneOf("zero", ["zero", "sigma_min"]),
};

const name = "EulerDiscreteScheduler";

/**
 * Euler's method on the probability-flow ODE, with optional churn (Karras et al. 2022, algorithm 2), Diffusers'
 * `EulerDiscreteScheduler`. Draws noise only where churn adds some.
 *
 * @example
 * ```ts
 * const scheduler = new EulerDiscreteScheduler({ betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear" });
 * const plan = scheduler.plan({ numInferenceSteps: 20 });
 * plan.timesteps[1]; // 946.4210815429688
 * ```
 */
export const EulerDiscreteScheduler: SchedulerClass<EulerDiscreteOptions> = schedulerClass(name, fields, (settings) => {
  const levels = trainingLevels(trainingSigmas(alphaBars(settings, smallestAlphaBar)));
  const schedule = sigmaScheduleOf(settings);
  const chosenBy = schedule ?? (continuous(settings) ? "timestepType" : undefined);
  return (options) => {
    const { numTrainTimesteps, finalSigmasType } = settings;
    const endsAboveZero = finalSigmasType === "sigma_min";
    const limits = { name, numTrainTimesteps, lists: ["timesteps", "sigmas"], chosenBy, endsAboveZero } as const;
    const request = planRequest(options, limits);
    return planOf(sampler(settings, tableOf(settings, levels, request), options), request);
  };
});
export type EulerDiscreteScheduler = Scheduler;

interface Table {
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
}

const continuous = ({ timestepType, predictionType }: Settings<EulerDiscreteOptions>): boolean =>
  timestepType === "continuous" && predictionType === "v_prediction";

function tableOf(settings: Settings<EulerDiscreteOptions>, levels: TrainingLevels, request: PlanRequest): Table {
  const { timesteps, sigmas } = request.sigmas
    ? givenSigmas(request.sigmas, levels)
    : spacedLevels(settings, levels, request);
  if (!continuous(settings)) return { timesteps: timesteps.map(Math.fround), sigmas };
  return { timesteps: sigmas.slice(0, -1).map((sigma) => Math.fround(0.25 * Math.fround(Math.log(sigma)))), sigmas };
}

function givenSigmas(given: readonly number[], levels: TrainingLevels): Table {
  const sigmas = given.map(Math.fround);
  return { timesteps: sigmas.slice(0, -1).map((sigma) => levels.timestep(sigma)), sigmas };
}

function spacedLevels(settings: Settings<EulerDiscreteOptions>, levels: TrainingLevels, request: PlanRequest): Table {
  const { numTrainTimesteps: trainSteps, stepsOffset, timestepSpacing, sigmaMax, sigmaMin, finalSigmasType } = settings;
  const { count } = request;
  const timesteps = (request.timesteps ?? spacedTimesteps(timestepSpacing, { count, trainSteps, stepsOffset })).map(
    Math.fround,
  );
  const spaced =
    settings.interpolationType === "linear"
      ? timesteps.map(levels.sigma)
      : [...torchLinspace(Math.log(levels.max), Math.log(levels.min), count + 1).map(Math.exp)];
  const last = finalSigmasType === "zero" ? 0 : levels.min;
  const schedule = sigmaScheduleOf(settings);
  if (!schedule) return { timesteps, sigmas: [...spaced, last].map(Math.fround) };
  const sigmas = spacedSigmas(schedule, sigmaMax ?? spaced[0]!, sigmaMin ?? spaced.at(-1)!, count);
  return { timesteps: sigmas.map((sigma) => levels.timestep(sigma)), sigmas: [...sigmas, last].map(Math.fround) };
}

function sampler(
  settings: Settings<EulerDiscreteOptions>,
  { timesteps, sigmas }: Table,
  options: PlanOptions,
): Sampler {
  const { predictionType, timestepSpacing } = settings;
  const churn = churnOf(options, sigmas.length - 1);
  return {
    name,
    timesteps,
    sigmas,
    initNoiseSigma: initialSigma(sigmas, timestepSpacing),
    level: (at) => ({ alpha: 1, sigma: sigmas[at]! }),
    inputScale: (at) => unitVarianceScale(sigmas[at]!),
    step({ sample }, output, at, draw) {
      const [sigma, next] = [sigmas[at]!, sigmas[at + 1]!];
      const { from, raised } = churned(sample, sigma, churn(sigma), draw);
      // Diffusers takes v at the level before the churn, ε at the one after
      const clean = denoised(predictionType, from, output, {
        alpha: 1,
        sigma: predictionType === "epsilon" ? raised : sigma,
      });
      const moved = weightedSum([
        [next / raised, from],
        [1 - next / raised, clean],
      ]);
      return { sample: moved, predOriginalSample: clean };
    },
  };
}
