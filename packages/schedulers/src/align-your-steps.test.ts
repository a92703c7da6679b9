import { describe, expect, it } from "vitest";
import { alignYourSteps, alignYourStepsSigmas } from "./align-your-steps.js";
import { DPMSolverMultistepScheduler } from "./dpm-solver-multistep.js";
import { EulerDiscreteScheduler } from "./euler-discrete.js";

const noise = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear" } as const;
const { stableDiffusion15, stableDiffusionXL, stableVideo } = alignYourSteps;

describe("alignYourSteps", () => {
  it("has ten steps in timesteps and levels", () => {
    expect([stableDiffusion15, stableDiffusionXL].map(({ timesteps }) => timesteps.length)).toEqual([10, 10]);
    expect([stableDiffusion15, stableDiffusionXL, stableVideo].map(({ sigmas }) => sigmas.length)).toEqual([
      11, 11, 11,
    ]);
  });

  it.each([stableDiffusion15, stableDiffusionXL])("is what a run visits", ({ timesteps, sigmas }) => {
    const byTimesteps = new EulerDiscreteScheduler(noise).plan({ timesteps });
    const bySigmas = new EulerDiscreteScheduler(noise).plan({ sigmas });
    expect(byTimesteps.timesteps).toEqual(timesteps);
    expect(bySigmas.sigmas).toEqual(sigmas.map(Math.fround));
    // the two tables are one schedule, rounded to whole timesteps
    for (const [i, timestep] of bySigmas.timesteps.entries())
      expect(Math.abs(timestep - timesteps[i]!)).toBeLessThan(1);
    expect(new DPMSolverMultistepScheduler(noise).plan({ timesteps }).timesteps).toEqual(timesteps);
  });

  it("fits the video model's continuous levels", () => {
    const scheduler = new EulerDiscreteScheduler({
      ...noise,
      predictionType: "v_prediction",
      timestepType: "continuous",
    });
    const { timesteps } = scheduler.plan({ sigmas: stableVideo.sigmas });
    expect(timesteps).toHaveLength(10);
    expect(timesteps[0]).toBeCloseTo(Math.log(700) / 4, 5);
  });
});

// the authors' recipe: np.exp(np.interp(np.linspace(0, 1, steps + 1), np.linspace(0, 1, 11), np.log(levels[::-1])))[::-1],
// the lowest level in the place of 0, then 0 in its place
describe("alignYourStepsSigmas", () => {
  it.each([
    ["fewer steps", stableDiffusion15, 6, [14.615, 4.587187146, 2.393873481, 1.396, 0.742518296, 0.289243179, 0]],
    ["few steps", stableVideo, 4, [700, 11.257114284, 1.789, 0.264043557, 0]],
    ["one step", stableDiffusionXL, 1, [14.615, 0]],
  ])("interpolates %s", (_, schedule, steps, expected) => {
    const sigmas = alignYourStepsSigmas(schedule, steps);
    expect(sigmas).toHaveLength(steps + 1);
    for (const [i, value] of expected.entries()) expect(sigmas[i]).toBeCloseTo(value, 8);
  });

  it("interpolates more steps, down to the lowest level of training", () => {
    const sigmas = alignYourStepsSigmas(stableDiffusionXL, 20);
    expect(sigmas.filter((_, i) => i % 2 === 0)).toEqual(stableDiffusionXL.sigmas);
    expect(sigmas[1]).toBeCloseTo(9.606962319068401, 12);
    expect(sigmas[19]).toBeCloseTo(0.05724508712544683, 12);
    const plan = new EulerDiscreteScheduler(noise).plan({ sigmas });
    expect(plan.timesteps).toHaveLength(20);
  });

  it("gives the table for its own number of steps", () => {
    expect(alignYourStepsSigmas(stableDiffusion15, 10)).toEqual(stableDiffusion15.sigmas);
  });

  it.each([0, -3, 2.5, Number.NaN])("refuses %s steps", (steps) => {
    expect(() => alignYourStepsSigmas(stableVideo, steps)).toThrow(`steps: expected a positive integer, got ${steps}`);
  });
});
