import type { UNetResiduals } from "./residual-feeds.js";

/** Whether anything is to be added, or changed in the middle. */
export function hasResiduals(residuals: UNetResiduals): boolean {
  const { downResiduals, midResidual, downIntraResiduals, perturbedAttention = false } = residuals;
  return perturbedAttention || [downResiduals, midResidual, downIntraResiduals].some((added) => added !== undefined);
}
