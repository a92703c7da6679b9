import { shiftedSigma } from "./sigma-schedules.js";
import { linspace } from "./spacing.js";

/**
 * `count` levels from the ends of training, 1 and 1 / trainSteps, which PyTorch shifts in float32; the run's own
 * shift comes on top, as in Diffusers.
 */
export function trainedFlowSigmas(trainSteps: number, shift: number, count: number): number[] {
  const [max, min] = [1, 1 / trainSteps].map((sigma) => shiftedSigma(Math.fround(sigma), shift, Math.fround));
  return linspace(max! * trainSteps, min! * trainSteps, count).map((timestep) => timestep / trainSteps);
}

/** The level of a σ on the straight line from sample to noise. */
export function flowLevel(sigma: number): { readonly alpha: number; readonly sigma: number } {
  return { alpha: 1 - sigma, sigma };
}
