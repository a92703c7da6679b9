import { numpyLog } from "./float32-functions.js";

/** The noise levels of training, looked up by timestep and back. */
export interface TrainingLevels {
  readonly max: number;
  readonly min: number;
  /** σ at a timestep, linear between training steps. */
  sigma(timestep: number): number;
  /** The timestep of a σ, linear in log σ between training steps; `round` rounds each operation of the last line. */
  timestep(sigma: number, round?: (value: number) => number): number;
}

const { fround } = Math;

/** From the σ of every training step, ascending. */
export function trainingLevels(sigmas: Float32Array): TrainingLevels {
  const logs = sigmas.map(numpyLog);
  const last = sigmas.length - 1;
  return {
    max: sigmas[last]!,
    min: sigmas[0]!,
    sigma(timestep) {
      const t = Math.min(Math.max(timestep, 0), last);
      const low = Math.floor(t);
      return low === t ? sigmas[low]! : (sigmas[low + 1]! - sigmas[low]!) * (t - low) + sigmas[low]!;
    },
    timestep(sigma, round = (value) => value) {
      // numpy works in float32 here, up to the last line: timesteps that are truncated hang on it
      const log = fround(Math.log(Math.max(sigma, 1e-10)));
      const below = logs.findLastIndex((one) => log >= one);
      const low = Math.min(Math.max(below, 0), Math.max(last - 1, 0));
      const high = Math.min(low + 1, last);
      const share = fround(fround(logs[low]! - log) / fround(logs[low]! - logs[high]!));
      const within = Math.min(Math.max(share, 0), 1);
      return round(round(fround(1 - within) * low) + round(within * high));
    },
  };
}
