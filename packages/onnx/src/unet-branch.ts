import type { UNet2DConditionConfig } from "./unet-2d-condition-config.js";
import { skipCount } from "./unet-decoder.js";

/** Name of the state that a whole run gives and a shallow run takes. */
export const deepFeatureName = "deep_feature";

/** @throws TypeError or RangeError unless it is the number of a skip connection. */
export function checkBranch(config: UNet2DConditionConfig, branch: number): void {
  const last = skipCount(config) - 1;
  if (typeof branch !== "number") throw new TypeError(`branch: expected a number, got ${String(branch)}`);
  if (!Number.isInteger(branch) || branch < 0 || branch > last)
    throw new RangeError(
      `branch: expected an integer from 0 to ${last}, the network's skip connections, got ${branch}`,
    );
}
