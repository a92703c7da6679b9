import type { PlanRequest } from "./plan-request.js";

/**
 * `count` of the timesteps that a network was distilled on, spread evenly, noisiest first. The distilled ones are
 * stride − 1, 2 · stride − 1, …, as many as `strength` leaves of `original`.
 *
 * @throws RangeError when `strength` leaves fewer than are asked for.
 */
export function distilledTimesteps({ count, strength }: PlanRequest, original: number, stride: number): number[] {
  const length = Math.floor(original * strength);
  if (length < count) {
    throw new RangeError(
      `numInferenceSteps: expected at most ${length}, originalInferenceSteps ${original} × strength ${strength}, got ${count}`,
    );
  }
  return Array.from({ length: count }, (_, i) => (length - Math.floor(i * (length / count))) * stride - 1);
}
