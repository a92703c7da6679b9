import { roundHalfEven } from "@latentkit/core";

/** The training timestep at a share of the run, counted from the noisiest: where 0.8 of them are done, 200 of 1000 are left. */
export function timestepAt(share: number, numTrainTimesteps = 1000): number {
  return roundHalfEven(numTrainTimesteps - share * numTrainTimesteps);
}
