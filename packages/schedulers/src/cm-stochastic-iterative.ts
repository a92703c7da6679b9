import { weightedSum } from "@latentkit/core";
import { bounded } from "./clipping.js";
import { checkEnds } from "./edm-preconditioning.js";
import { type Fields, flag, integer, positive, real, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { karrasSigma } from "./sigma-schedules.js";

/** Options of `CMStochasticIterativeScheduler`, with the defaults of Diffusers. */
export interface CMStochasticIterativeOptions {
  /** Levels the network was trained on. @default 40 */
  readonly numTrainTimesteps?: number | undefined;
  /** Lowest level. @default 0.002 */
  readonly sigmaMin?: number | undefined;
  /** Highest level. @default 80 */
  readonly sigmaMax?: number | undefined;
  /** Standard deviation of the data. @default 0.5 */
  readonly sigmaData?: number | undefined;
  /** Standard deviation of the noise that is added back. @default 1 */
  readonly sNoise?: number | undefined;
  /** Exponent of the Karras levels. @default 7 */
  readonly rho?: number | undefined;
  /** Clamps the denoised sample to ±1. @default true */
  readonly clipDenoised?: boolean | undefined;
}

const fields: Fields<CMStochasticIterativeOptions> = {
  numTrainTimesteps: integer(40, 2),
  sigmaMin: positive(0.002),
  sigmaMax: positive(80),
  sigmaData: positive(0.5),
  sNoise: real(1, 0),
  rho: positive(7),
  clipDenoised: flag(true),
};

const name = "CMStochasticIterativeScheduler";

type CMSettings = Settings<CMStochasticIterativeOptions>;

/**
 * Multistep sampling of consistency models (Song et al. 2023, algorithm 1), Diffusers'
 * `CMStochasticIterativeScheduler`. Runs of more than one step draw noise at every step, the last one too.
 * `timesteps` of a run are indices of training levels, descending; `plan.timesteps` are 250 · log(σ).
 *
 * @example
 * ```ts
 * const plan = new CMStochasticIterativeScheduler().plan({ timesteps: [22, 0] });
 * plan.sigmas; // [80, 1.3823679685592651, 0.0020000000949949026]
 * ```
 */
export const CMStochasticIterativeScheduler: SchedulerClass<CMStochasticIterativeOptions> = schedulerClass(
  name,
  fields,
  (settings) => {
    checkEnds(settings);
    return (options) => {
      const { numTrainTimesteps } = settings;
      const request = planRequest(options, { name, numTrainTimesteps, lists: ["timesteps"] });
      const stride = Math.floor(numTrainTimesteps / request.count);
      const visited =
        request.timesteps?.map(Math.trunc).reverse() ?? Array.from({ length: request.count }, (_, i) => i * stride);
      return planOf(sampler(settings, visited), request);
    };
  },
);
export type CMStochasticIterativeScheduler = Scheduler;

/** `visited` are the training levels, noisiest first: 0 is the highest. */
function sampler(settings: CMSettings, visited: readonly number[]): Sampler {
  const { numTrainTimesteps, sigmaMin, sigmaMax, sigmaData, sNoise, rho, clipDenoised } = settings;
  const levels = visited.map((i) => i / (numTrainTimesteps - 1)).map(karrasSigma(sigmaMax, sigmaMin, rho));
  const sigmas = [...levels, sigmaMin].map(Math.fround);
  return {
    name,
    timesteps: levels.map((sigma) => 250 * Math.log(sigma)),
    sigmas,
    initNoiseSigma: sigmaMax,
    level: (at) => ({ alpha: 1, sigma: sigmas[at]! }),
    inputScale: (at) => 1 / Math.hypot(sigmas[at]!, sigmaData),
    step({ sample }, output, at, draw) {
      const [sigma, next] = [sigmas[at]!, sigmas[at + 1]!];
      const above = sigma - sigmaMin;
      const consistent = weightedSum([
        [sigmaData ** 2 / (above ** 2 + sigmaData ** 2), sample],
        [(above * sigmaData) / Math.hypot(sigma, sigmaData), output],
      ]);
      const clean = bounded(consistent, { clipSample: clipDenoised });
      if (levels.length === 1) return { sample: clean, predOriginalSample: clean };
      const deviation = Math.sqrt(Math.max(next ** 2 - Math.fround(sigmaMin) ** 2, 0));
      const noised = weightedSum([
        [1, clean],
        [sNoise * deviation, draw()],
      ]);
      return { sample: noised, predOriginalSample: clean };
    },
  };
}
