import { expect, it } from "vitest";
import { linspace, roundHalfEven, spacedTimesteps } from "./spacing.js";

it("rounds halves to the even neighbour, as numpy does", () => {
  expect([0.5, 1.5, 2.5, 2.4999, -1.5, 832.5].map(roundHalfEven)).toEqual([0, 2, 2, 2, -2, 832]);
});

// python -c "import numpy as np; n=16; print(np.round(np.arange(1000, 0, -1000/n)).astype(int)-1)"
it("spaces trailing timesteps with numpy's rounding", () => {
  const timesteps = spacedTimesteps("trailing", { count: 16, trainSteps: 1000, stepsOffset: 0 });
  expect(timesteps).toEqual([999, 937, 874, 811, 749, 687, 624, 561, 499, 437, 374, 311, 249, 187, 124, 61]);
});

// python -c "import numpy as np; print(np.round(np.arange(1000, 0, -1000/48))[10:16].astype(int)-1)"; 1000 - i * 1000 / 48 gives 687
it("steps as numpy.arange does", () => {
  const timesteps = spacedTimesteps("trailing", { count: 48, trainSteps: 1000, stepsOffset: 0 });
  expect(timesteps.slice(10, 16)).toEqual([791, 770, 749, 728, 707, 686]);
});

it.each([61, 103, 121, 206, 999])("gives %i trailing timesteps, none below zero", (count) => {
  const timesteps = spacedTimesteps("trailing", { count, trainSteps: 1000, stepsOffset: 0 });
  expect(timesteps.length).toBe(count);
  expect(Math.min(...timesteps)).toBeGreaterThanOrEqual(0);
});

it("has both ends in linspace and the first alone when asked for one", () => {
  expect(linspace(0, 999, 4)).toEqual([0, 333, 666, 999]);
  expect(linspace(0, 999, 1)).toEqual([0]);
});
