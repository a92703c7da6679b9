import { type Tensor, tensor, weightedSum } from "@latentkit/core";
import { brownianTree } from "./brownian-tree.js";
import { torchExp, torchLog } from "./float32-functions.js";
import { alphaBars, trainingSigmas } from "./noise-schedule.js";
import { type Field, type Fields, listOf, oneOf, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { numberOption, planRequest } from "./plan-request.js";
import { denoised } from "./prediction.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { type SigmaOptions, sigmaFields, sigmaLevels } from "./sigma-levels.js";
import { sigmaScheduleOf } from "./sigma-schedules.js";
import { ancestralStep, initialSigma, unitVarianceScale } from "./sigma-space.js";
import type { LevelTable } from "./solver-levels.js";
import { trainingLevels } from "./training-levels.js";

/** Options of `DPMSolverSDEScheduler`, with the defaults of Diffusers. */
export interface DPMSolverSDEOptions extends SigmaOptions {
  /** @default "epsilon" */
  readonly predictionType?: "epsilon" | "v_prediction" | undefined;
  /** Seed of the Brownian motion, for the batch or one per image. @default null, drawn from `random` for each image */
  readonly noiseSamplerSeed?: number | readonly number[] | null | undefined;
}

const seed: Field<number> = {
  initial: 0,
  accepts: "an integer from 0 to 2⁵³ − 1",
  read: (value) => (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined),
};
const seeds = listOf(seed);

const fields: Fields<DPMSolverSDEOptions> = {
  ...sigmaFields(),
  predictionType: oneOf("epsilon", ["epsilon", "v_prediction"]),
  noiseSamplerSeed: {
    initial: null,
    accepts: `${seed.accepts}, a list of such, or null`,
    read: (value) => (value === null ? null : (seed.read(value) ?? seeds.read(value))),
  },
};

const name = "DPMSolverSDEScheduler";

/**
 * Stochastic DPM-Solver++ in σ with a step in the middle (`sample_dpmpp_sde` of k-diffusion), Diffusers'
 * `DPMSolverSDEScheduler`: `n` steps make 2n − 1 network calls. Its noise is the increments of one Brownian motion, so
 * that runs of different lengths with one seed resemble each other. Diffusers seeds that from torch's global generator
 * when `noiseSamplerSeed` is null; here each image's seed is drawn from `random` at the first step and stays in the
 * state, and no other step draws. Each step walks down that motion's tree, whose noise costs about 50 times as much as
 * torch's: a step takes about a hundred milliseconds for 1×4×64×64 latents, where those of other classes take one.
 *
 * @example
 * ```ts
 * const scheduler = new DPMSolverSDEScheduler({ useKarrasSigmas: true, betaSchedule: "scaled_linear", noiseSamplerSeed: 0 });
 * const plan = scheduler.plan({ numInferenceSteps: 10, sNoise: 1 });
 * ```
 */
export const DPMSolverSDEScheduler: SchedulerClass<DPMSolverSDEOptions> = schedulerClass(name, fields, (settings) => {
  const levels = trainingLevels(trainingSigmas(alphaBars(settings)));
  sigmaScheduleOf(settings);
  return (options) => {
    const request = planRequest(options, { name, numTrainTimesteps: settings.numTrainTimesteps });
    const sNoise = numberOption("sNoise", options.sNoise ?? 1, 0, Infinity);
    const { timesteps, sigmas } = sigmaLevels(settings, levels, request, (timestep) => timestep);
    const middles = sigmas.slice(1).map((sigma, i) => Math.exp((Math.log(sigmas[i]!) + Math.log(sigma)) / 2));
    const table = {
      timesteps: interleaved(timesteps, (i) => levels.timestep(middles[i]!)),
      sigmas: [...interleaved(sigmas, (i) => sigmas[i + 1]!), 0].map(Math.fround),
    };
    return planOf(sampler(settings, table, sNoise), request);
  };
});
export type DPMSolverSDEScheduler = Scheduler;

/** The values with one more before each but the first. */
function interleaved([first, ...rest]: readonly number[], before: (i: number) => number): number[] {
  return [first!, ...rest.flatMap((value, i) => [before(i), value])];
}

/** The ends and, in log σ, the middle of a step, after Diffusers' way to −log σ and back: the noise hangs on the last bit. */
interface Interval {
  readonly from: number;
  readonly middle: number;
  readonly to: number;
}

function intervalOf(sigma: number, next: number): Interval {
  const { fround } = Math;
  const [start, end] = [-torchLog(sigma), -torchLog(next)];
  const middle = fround(start + fround(fround(end - start) * 0.5));
  return { from: torchExp(-start), middle: torchExp(-middle), to: torchExp(-end) };
}

function sampler(
  { predictionType, timestepSpacing, noiseSamplerSeed }: Settings<DPMSolverSDEOptions>,
  { timesteps, sigmas }: LevelTable,
  sNoise: number,
): Sampler {
  const range = [sigmas.at(-2)!, sigmas[0]!] as const;
  const inputSigma = (at: number): number =>
    at % 2 === 0 ? sigmas[at]! : intervalOf(sigmas[at - 1]!, sigmas[at]!).middle;
  return {
    name,
    timesteps,
    sigmas,
    order: 2,
    initNoiseSigma: initialSigma(sigmas, timestepSpacing),
    level: (at) => ({ alpha: 1, sigma: sigmas[at]! }),
    inputScale: (at) => unitVarianceScale(inputSigma(at)),
    step({ sample, base, noiseSeeds }, output, at, draw) {
      const isFirst = at % 2 === 0;
      const clean = denoised(predictionType, sample, output, { alpha: 1, sigma: inputSigma(at) });
      if (isFirst && sigmas[at + 1] === 0) return { sample: clean, predOriginalSample: clean };
      const begin = isFirst ? sample : base;
      if (!begin) throw new RangeError(`state: ${name} begins at even steps only, got ${at}`);
      const entropy = noiseSamplerSeed ?? noiseSeeds ?? draw.seeds();
      const { from, middle, to } = isFirst
        ? intervalOf(sigmas[at]!, sigmas[at + 1]!)
        : intervalOf(sigmas[at - 1]!, sigmas[at]!);
      const target = isFirst ? middle : to;
      const { down, up } = ancestralStep(from, target);
      const next = weightedSum([
        [down / from, begin],
        [1 - down / from, clean],
        [sNoise * Math.min(up, target), brownianNoise(sample, range, entropy, from, target)],
      ]);
      const kept = noiseSamplerSeed === null && { noiseSeeds: [entropy].flat() };
      return { sample: next, predOriginalSample: clean, ...kept, ...(isFirst && { base: sample }) };
    },
  };
}

/** Unit noise: the increment of the motion from one level down to another, over the root of the distance. */
function brownianNoise(
  { shape }: Tensor,
  [min, max]: readonly [number, number],
  entropy: number | readonly number[],
  from: number,
  to: number,
): Tensor {
  const { fround, sqrt } = Math;
  const [batch = 0, ...item] = shape;
  if (typeof entropy !== "number" && entropy.length !== batch) {
    throw new RangeError(
      `noiseSamplerSeed: expected one seed, or one for each of ${batch} images, got ${entropy.length}`,
    );
  }
  const parts =
    typeof entropy === "number"
      ? [brownianTree(min, max, entropy, shape)(to, from)]
      : entropy.map((one) => brownianTree(min, max, one, item)(to, from));
  const root = fround(sqrt(fround(from - to)));
  const data = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) for (const value of part) data[at++] = -value / root;
  return tensor(data, shape);
}
