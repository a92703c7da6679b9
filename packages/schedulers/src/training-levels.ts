/** The noise levels of training, looked up by timestep and back. */
export interface TrainingLevels {
  readonly max: number;
  readonly min: number;
  /** σ at a timestep, linear between training steps. */
  sigma(timestep: number): number;
  /** The timestep of a σ, linear in log σ between training steps. */
  timestep(sigma: number): number;
}

/** From the σ of every training step, ascending. */
export function trainingLevels(sigmas: Float32Array): TrainingLevels {
  const logs = sigmas.map(Math.log);
  const last = sigmas.length - 1;
  return {
    max: sigmas[last]!,
    min: sigmas[0]!,
    sigma(timestep) {
      const t = Math.min(Math.max(timestep, 0), last);
      const low = Math.floor(t);
      return low === t ? sigmas[low]! : (sigmas[low + 1]! - sigmas[low]!) * (t - low) + sigmas[low]!;
    },
    timestep(sigma) {
      const log = Math.log(Math.max(sigma, 1e-10));
      const low = Math.min(
        Math.max(
          logs.findLastIndex((one) => log >= one),
          0,
        ),
        Math.max(last - 1, 0),
      );
      const high = Math.min(low + 1, last);
      const share = Math.min(Math.max((logs[low]! - log) / (logs[low]! - logs[high]!), 0), 1);
      return (1 - share) * low + share * high;
    },
  };
}
