import { type Tensor, weightedSum } from "@latentkit/core";
import { torchExp, torchLog } from "./float32-functions.js";
import { torchLinspace } from "./noise-schedule.js";
import { type Fields, integer, oneOf, positive, type Settings } from "./option-fields.js";
import type { Sampler } from "./plan.js";
import { karrasSigma } from "./sigma-schedules.js";

/** Options that the samplers for networks preconditioned as in Karras et al. 2022 share. */
export interface EDMOptions {
  /** Lowest level. @default 0.002 */
  readonly sigmaMin?: number | undefined;
  /** Highest level. @default 80 */
  readonly sigmaMax?: number | undefined;
  /** Standard deviation of the data. @default 0.5 */
  readonly sigmaData?: number | undefined;
  /** How levels are spaced: equation 5 of the paper, or evenly in log σ. @default "karras" */
  readonly sigmaSchedule?: "karras" | "exponential" | undefined;
  /** The most steps that a run may have. @default 1000 */
  readonly numTrainTimesteps?: number | undefined;
  /** Sign of the network's output; "v_prediction" turns it. @default "epsilon" */
  readonly predictionType?: "epsilon" | "v_prediction" | undefined;
  /** Exponent of "karras". @default 7 */
  readonly rho?: number | undefined;
  /** The last level: 0, or the lowest. @default "zero" */
  readonly finalSigmasType?: "zero" | "sigma_min" | undefined;
}

export const edmFields: Fields<EDMOptions> = {
  sigmaMin: positive(0.002),
  sigmaMax: positive(80),
  sigmaData: positive(0.5),
  sigmaSchedule: oneOf("karras", ["karras", "exponential"]),
  numTrainTimesteps: integer(1000, 1),
  predictionType: oneOf("epsilon", ["epsilon", "v_prediction"]),
  rho: positive(7),
  finalSigmasType: oneOf("zero", ["zero", "sigma_min"]),
};

type EDMSettings = Settings<EDMOptions>;

const { fround } = Math;

/** @throws RangeError unless the levels descend. */
export function checkEnds({ sigmaMin, sigmaMax }: Pick<EDMSettings, "sigmaMin" | "sigmaMax">): void {
  if (sigmaMin < sigmaMax) return;
  throw new RangeError(`sigmaMin: expected a number below sigmaMax = ${sigmaMax}, got ${sigmaMin}`);
}

/** The visited σ, which PyTorch computes in float32. */
export function edmSigmas({ sigmaMin, sigmaMax, sigmaSchedule, rho }: EDMSettings, count: number): readonly number[] {
  return sigmaSchedule === "karras"
    ? [...torchLinspace(0, 1, count).map(karrasSigma(sigmaMax, sigmaMin, rho, fround))]
    : [...torchLinspace(Math.log(sigmaMin), Math.log(sigmaMax), count).map(torchExp)].reverse();
}

/** What runs over visited levels have in common; `lowest` is where they end unless at 0. */
export function edmLevels(
  { sigmaMax, sigmaData, finalSigmasType }: EDMSettings,
  visited: readonly number[],
  lowest: number,
): Pick<Sampler, "timesteps" | "initNoiseSigma" | "level" | "inputScale"> & { readonly sigmas: readonly number[] } {
  const sigmas = [...visited, finalSigmasType === "zero" ? 0 : lowest];
  return {
    timesteps: visited.map((sigma) => fround(0.25 * torchLog(sigma))),
    sigmas,
    initNoiseSigma: Math.sqrt(sigmaMax ** 2 + 1),
    level: (at) => ({ alpha: 1, sigma: sigmas[at]! }),
    inputScale: (at) => 1 / Math.hypot(sigmas[at]!, sigmaData),
  };
}

/** x̂₀ = c_skip · x + c_out · F (Karras et al. 2022, table 1). */
export function edmDenoised(
  { sigmaData, predictionType }: Pick<EDMSettings, "sigmaData" | "predictionType">,
  sample: Tensor,
  output: Tensor,
  sigma: number,
): Tensor {
  const radius = Math.hypot(sigma, sigmaData);
  const sign = predictionType === "epsilon" ? 1 : -1;
  return weightedSum([
    [(sigmaData / radius) ** 2, sample],
    [(sign * sigma * sigmaData) / radius, output],
  ]);
}
