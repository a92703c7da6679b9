import { type Tensor, weightedSum } from "@latentkit/core";
import { numberOption } from "./plan-request.js";
import type { PlanOptions } from "./scheduler.js";

/** By how much a level is raised, and the deviation of the noise that raises it. */
export interface Churn {
  readonly gamma: number;
  readonly noise: number;
}

/** The churn of a run at each σ (Karras et al. 2022, algorithm 2, lines 4 to 6). */
export function churnOf(options: PlanOptions, steps: number): (sigma: number) => Churn {
  const amount = numberOption("sChurn", options.sChurn ?? 0, 0, Infinity);
  const min = numberOption("sTmin", options.sTmin ?? 0, 0, Infinity);
  const max = numberOption("sTmax", options.sTmax ?? Infinity, 0, Infinity);
  const noise = numberOption("sNoise", options.sNoise ?? 1, 0, Infinity);
  const gamma = Math.min(amount / steps, Math.SQRT2 - 1);
  return (sigma) => ({ gamma: min <= sigma && sigma <= max ? gamma : 0, noise });
}

/** A sample and its σ, raised to σ̂ = σ (1 + γ). Draws noise only where γ is above 0. */
export function churned(
  sample: Tensor,
  sigma: number,
  { gamma, noise }: Churn,
  draw: () => Tensor,
): { readonly from: Tensor; readonly raised: number } {
  if (gamma === 0) return { from: sample, raised: sigma };
  const raised = sigma * (gamma + 1);
  const from = weightedSum([
    [1, sample],
    [noise * Math.sqrt(raised ** 2 - sigma ** 2), draw()],
  ]);
  return { from, raised };
}
