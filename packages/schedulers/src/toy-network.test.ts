import { describe, expect, it } from "vitest";
import { magnitudes, toyNoise, toyRun, toySample } from "../../../tests/toy-network.js";
import {
  DDIMInverseScheduler,
  DDPMScheduler,
  DPMSolverMultistepInverseScheduler,
  EDMDPMSolverMultistepScheduler,
  EDMEulerScheduler,
  type Plan,
  type SamplerState,
  TCDScheduler,
} from "./index.js";

// Sums and means that Diffusers' tests/schedulers/test_scheduler_*.py assert

const run = (plan: Plan, start: SamplerState): { sum: number; mean: number } => magnitudes(toyRun(plan, start));

const linear = { betaStart: 0.0001, betaEnd: 0.02 };

describe("DDPMScheduler", () => {
  it.each([
    [{}, 258.9606],
    [{ predictionType: "v_prediction" }, 202.0296],
  ] as const)("%o over all training steps", (options, sum) => {
    const plan = new DDPMScheduler({ ...linear, ...options }).plan({ numInferenceSteps: 1000 });
    expect(run(plan, plan.state(toySample)).sum).toBeCloseTo(sum, 2);
  });

  it("from the second-last step", () => {
    const plan = new DDPMScheduler(linear).plan({ numInferenceSteps: 1000, strength: 0.002 });
    expect(plan.timesteps).toEqual([1, 0]);
    expect(run(plan, plan.startFrom(toySample, toyNoise)).sum).toBeCloseTo(387.9466, 2);
  });
});

describe("TCDScheduler", () => {
  it.each([
    [1, 29.8715],
    [10, 181.204],
  ])("in %i steps without noise", (numInferenceSteps, sum) => {
    const plan = new TCDScheduler().plan({ numInferenceSteps, eta: 0 });
    expect(run(plan, plan.state(toySample)).sum).toBeCloseTo(sum, 2);
  });
});

describe("EDMEulerScheduler", () => {
  it("in 10 steps", () => {
    const plan = new EDMEulerScheduler({ numTrainTimesteps: 256 }).plan({ numInferenceSteps: 10 });
    expect(run(plan, plan.start(toySample)).sum).toBeCloseTo(34.1855, 2);
  });
});

describe("EDMDPMSolverMultistepScheduler", () => {
  const options = { lowerOrderFinal: false, finalSigmasType: "sigma_min" } as const;
  const thresholding = { thresholding: true, dynamicThresholdingRatio: 0.87, sampleMaxValue: 0.5 };

  it.each([
    [{}, 0.0001],
    [thresholding, 0.008],
    [{ predictionType: "v_prediction" }, 0.0092],
  ] as const)("%o in 10 steps", (extra, mean) => {
    const plan = new EDMDPMSolverMultistepScheduler({ ...options, ...extra }).plan({ numInferenceSteps: 10 });
    // their loop does not scale the network's input
    const unscaled = { ...plan, scaleModelInput: (state: SamplerState) => state.sample };
    expect(Math.abs(run(unscaled, plan.state(toySample)).mean - mean)).toBeLessThan(1e-3);
  });

  it("from the middle", () => {
    const plan = new EDMDPMSolverMultistepScheduler(options).plan({ numInferenceSteps: 10, strength: 0.5 });
    const unscaled = { ...plan, scaleModelInput: (state: SamplerState) => state.sample };
    expect(run(unscaled, plan.startFrom(toySample, toyNoise)).sum).toBeCloseTo(8.1661, 2);
  });
});

describe("DDIMInverseScheduler", () => {
  it.each([
    [{}, 671.6816],
    [{ predictionType: "v_prediction" }, 1394.2185],
    [{ setAlphaToOne: true, betaStart: 0.01 }, 539.9622],
    [{ setAlphaToOne: false, betaStart: 0.01 }, 542.6722],
  ] as const)("%o in 10 steps", (options, sum) => {
    const plan = new DDIMInverseScheduler({ ...linear, ...options }).plan({ numInferenceSteps: 10 });
    expect(run(plan, plan.state(toySample)).sum).toBeCloseTo(sum, 2);
  });
});

describe("DPMSolverMultistepInverseScheduler", () => {
  const thresholding = { thresholding: true, dynamicThresholdingRatio: 0.87, sampleMaxValue: 0.5 };

  it.each([
    [{}, 0.7047],
    [thresholding, 19.8933],
    [{ predictionType: "v_prediction" }, 1.5194],
    [{ predictionType: "v_prediction", useKarrasSigmas: true }, 1.7833],
  ] as const)("%o in 10 steps", (options, mean) => {
    const solver = { ...linear, lowerOrderFinal: false, ...options };
    const plan = new DPMSolverMultistepInverseScheduler(solver).plan({ numInferenceSteps: 10 });
    expect(Math.abs(run(plan, plan.state(toySample)).mean - mean)).toBeLessThan(2e-3);
  });
});
