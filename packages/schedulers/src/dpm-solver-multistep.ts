import { sizeOf, type Tensor, type Term, tensor, weightedSum } from "@latentkit/core";
import { bounded } from "./clipping.js";
import { alphaBars, smallestAlphaBar, trainingSigmas } from "./noise-schedule.js";
import { type Fields, flag, nullable, oneOf, realOrMinusInfinity, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { type PlanRequest, planRequest } from "./plan-request.js";
import { denoised, type Level, noiseBetween, predictedNoise } from "./prediction.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { sigmaScheduleOf } from "./sigma-schedules.js";
import {
  checkDistinct,
  checkFlow,
  formulaLevels,
  halfLogSnr,
  isFirstOrderOnly,
  type LevelTable,
  type SolverOptions,
  solverFields,
  solverLevel,
} from "./solver-levels.js";
import { linspace, roundHalfEven, spacedTimesteps } from "./spacing.js";
import { type TrainingLevels, trainingLevels } from "./training-levels.js";

/** DPM-Solver++ integrates the predicted sample, DPM-Solver the predicted noise; "sde" adds fresh noise. */
export type DPMSolverAlgorithm = "dpmsolver" | "dpmsolver++" | "sde-dpmsolver" | "sde-dpmsolver++";

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

const fields: Fields<DPMSolverMultistepOptions> = {
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
  fields,
  (settings) => {
    checkSettings(settings);
    const bars = alphaBars(settings, smallestAlphaBar);
    const levels = trainingLevels(trainingSigmas(bars));
    const usable = usableSteps(bars, settings.lambdaMinClipped);
    const chosenBy = sigmaScheduleOf(settings) ?? (settings.useLuLambdas ? "useLuLambdas" : undefined);
    return (options) => {
      const { numTrainTimesteps } = settings;
      const request = planRequest(options, { name, numTrainTimesteps, lists: ["timesteps"], chosenBy });
      return planOf(sampler(settings, tableOf(settings, levels, request, usable)), request);
    };
  },
);
export type DPMSolverMultistepScheduler = Scheduler;

function checkSettings(settings: DPMSettings): void {
  const { algorithmType, finalSigmasType, solverOrder } = settings;
  checkFlow(settings);
  if (!algorithmType.endsWith("++") && finalSigmasType === "zero") {
    throw new RangeError(`finalSigmasType: algorithmType "${algorithmType}" needs "sigma_min", got "zero"`);
  }
  const highest = algorithmType === "sde-dpmsolver" ? 2 : 3;
  if (solverOrder > highest) {
    throw new RangeError(
      `solverOrder: algorithmType "${algorithmType}" has orders 1 to ${highest}, got ${solverOrder}`,
    );
  }
}

/** How many of the least noisy training steps have a λ of at least `min`. */
function usableSteps(bars: Float32Array, min: number): number {
  const { fround, log, sqrt } = Math;
  const clipped = bars.filter(
    (bar) => fround(fround(log(fround(sqrt(bar)))) - fround(log(fround(sqrt(fround(1 - bar)))))) < min,
  );
  return bars.length - clipped.length;
}

function tableOf(settings: DPMSettings, levels: TrainingLevels, request: PlanRequest, usable: number): LevelTable {
  const last = settings.finalSigmasType === "zero" ? 0 : levels.min;
  const { timesteps, sigmas } =
    luLevels(settings, levels, request.count) ??
    formulaLevels(settings, levels, request.count) ??
    timestepLevels(settings, levels, request, usable);
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

function timestepLevels(
  settings: DPMSettings,
  levels: TrainingLevels,
  request: PlanRequest,
  usable: number,
): LevelTable {
  const { numTrainTimesteps: trainSteps, stepsOffset, timestepSpacing } = settings;
  const spacing = { count: request.count, trainSteps, stepsOffset, dropped: 1, usable };
  const timesteps = request.timesteps?.map(Math.trunc) ?? spacedTimesteps(timestepSpacing, spacing).map(roundHalfEven);
  return { timesteps, sigmas: timesteps.map(levels.sigma) };
}

function sampler(settings: DPMSettings, table: LevelTable): Sampler {
  checkDistinct(table);
  const { timesteps, sigmas } = table;
  const { predictionType, solverOrder, useFlowSigmas, varianceType } = settings;
  const level = (at: number): Level => solverLevel(sigmas[at]!, useFlowSigmas);
  return {
    name,
    timesteps,
    sigmas,
    level,
    mean: (output) => (varianceType && predictionType === "epsilon" ? leadingChannels(output) : output),
    step({ sample, history }, output, at, draw) {
      const { clean, integrand } = converted(settings, sample, output, level(at));
      const outputs = [integrand, ...history].slice(0, orderAt(settings, sigmas, at));
      const levels = [level(at + 1), ...outputs.map((_, i) => level(at - i))];
      const next = updated(settings, sample, outputs, levels, draw);
      return { sample: next, predOriginalSample: clean, history: [integrand, ...history].slice(0, solverOrder - 1) };
    },
  };
}

/** The highest order a step may have. */
function orderAt(
  { eulerAtFinal, lowerOrderFinal, solverOrder }: DPMSettings,
  sigmas: readonly number[],
  at: number,
): number {
  const left = sigmas.length - 1 - at;
  const lowered = lowerOrderFinal && sigmas.length - 1 < 15;
  if (left === 1 && (eulerAtFinal || lowered || isFirstOrderOnly(sigmas, at))) return 1;
  return left === 2 && lowered ? Math.min(solverOrder, 2) : solverOrder;
}

/** The predicted sample, and what the algorithm integrates: that or the predicted noise. */
function converted(
  settings: DPMSettings,
  sample: Tensor,
  output: Tensor,
  level: Level,
): { clean: Tensor; integrand: Tensor } {
  const { algorithmType, predictionType, thresholding } = settings;
  const clean = bounded(denoised(predictionType, sample, output, level), settings);
  if (algorithmType.endsWith("++")) return { clean, integrand: clean };
  const noise = thresholding
    ? noiseBetween(sample, clean, level)
    : predictedNoise(predictionType, sample, output, level);
  return { clean, integrand: noise };
}

/** Factors of one step: of the sample, of the integrands, of fresh noise; φ takes `z`. */
interface Exponentials {
  readonly ratio: number;
  readonly gain: number;
  readonly z: number;
  readonly noise: number;
}

const exponentials: Readonly<Record<DPMSolverAlgorithm, (to: Level, from: Level, h: number) => Exponentials>> = {
  "dpmsolver++": (to, from, h) => ({ ratio: to.sigma / from.sigma, gain: to.alpha, z: -h, noise: 0 }),
  dpmsolver: (to, from, h) => ({ ratio: to.alpha / from.alpha, gain: to.sigma, z: h, noise: 0 }),
  "sde-dpmsolver++": (to, from, h) => ({
    ratio: (to.sigma / from.sigma) * Math.exp(-h),
    gain: to.alpha,
    z: -2 * h,
    noise: to.sigma * Math.sqrt(-Math.expm1(-2 * h)),
  }),
  "sde-dpmsolver": (to, from, h) => ({
    ratio: to.alpha / from.alpha,
    gain: 2 * to.sigma,
    z: h,
    noise: to.sigma * Math.sqrt(Math.expm1(2 * h)),
  }),
};

/**
 * One exponential-integrator step in λ: x_t = ratio · x − gain · (φ₁ D₀ + φ₂ D₁ + φ₃ D₂) + noise · ε
 * (Lu et al. 2022, "DPM-Solver", section 3, and "DPM-Solver++", section 4 and appendix B).
 * `outputs` are newest first; `levels` are the next one, then those of the outputs.
 */
function updated(
  { algorithmType, solverType }: DPMSettings,
  sample: Tensor,
  outputs: readonly Tensor[],
  levels: readonly Level[],
  draw: () => Tensor,
): Tensor {
  const [to, from] = [levels[0]!, levels[1]!];
  const lambdas = levels.map(halfLogSnr);
  const h = lambdas[0]! - lambdas[1]!;
  const { ratio, gain, z, noise } = exponentials[algorithmType](to, from, h);
  const second = solverType === "heun" || outputs.length === 3 ? Math.expm1(z) / z - 1 : Math.expm1(z) / 2;
  // Diffusers adds the half for the SDE, where the expansion of the other algorithms subtracts it
  const third = (Math.expm1(z) - z) / z ** 2 + (algorithmType === "sde-dpmsolver++" ? 0.5 : -0.5);
  const weights = outputWeights([Math.expm1(z), second, third], lambdas, outputs.length);
  return weightedSum([
    [ratio, sample],
    ...outputs.map((output, i): Term => [-gain * weights[i]!, output]),
    ...(algorithmType.startsWith("sde") ? [[noise, draw()] as const] : []),
  ]);
}

/** φ₁ D₀ + φ₂ D₁ + φ₃ D₂ as weights of the outputs, where D are divided differences in λ. */
function outputWeights(
  phi: readonly [number, number, number],
  lambdas: readonly number[],
  order: number,
): readonly number[] {
  const [first, second, third] = phi;
  if (order === 1) return [first];
  const step = (i: number): number => (lambdas[i]! - lambdas[i + 1]!) / (lambdas[0]! - lambdas[1]!);
  const [r0, r1] = [step(1), step(2)];
  if (order === 2) return [first + second / r0, -second / r0];
  const newer = (second * (2 * r0 + r1) + third) / (r0 + r1) / r0;
  const older = -(second * r0 + third) / (r0 + r1) / r1;
  return [first + newer, older - newer, -older];
}

/** The first half of the channels `[batch, 2 c, height, width]`, the mean. */
function leadingChannels(output: Tensor): Tensor {
  const [batch = 0, channels = 0, ...rest] = output.shape;
  if (channels % 2 !== 0)
    throw new RangeError(`modelOutput: varianceType needs an even number of channels, got ${channels}`);
  const size = sizeOf(rest) * channels;
  const data = new Float32Array((batch * size) / 2);
  for (let i = 0; i < batch; i++) data.set(output.data.subarray(i * size, i * size + size / 2), (i * size) / 2);
  return tensor(data, [batch, channels / 2, ...rest]);
}
