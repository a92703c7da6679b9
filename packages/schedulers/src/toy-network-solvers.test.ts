import { describe, expect, it } from "vitest";
import { magnitudes, toyNoise, toyRun, toySample } from "../../../tests/toy-network.js";
import {
  DEISMultistepScheduler,
  DPMSolverSDEScheduler,
  DPMSolverSinglestepScheduler,
  IPNDMScheduler,
  KDPM2AncestralDiscreteScheduler,
  KDPM2DiscreteScheduler,
  LMSDiscreteScheduler,
  SASolverScheduler,
} from "./index.js";

// Sums and means that Diffusers' tests/schedulers/test_scheduler_*.py assert on the CPU, with the settings of those files

const linear = { betaStart: 0.0001, betaEnd: 0.02 };
const sigmaSpace = { ...linear, numTrainTimesteps: 1100 };
const steps = { numInferenceSteps: 10 };

describe.each([
  ["LMSDiscrete", LMSDiscreteScheduler, {}, 1006.388],
  ["LMSDiscrete, v", LMSDiscreteScheduler, { predictionType: "v_prediction" }, 0.0017],
  ["LMSDiscrete, Karras", LMSDiscreteScheduler, { useKarrasSigmas: true }, 3812.9927],
  ["KDPM2Discrete", KDPM2DiscreteScheduler, {}, 20.4125],
  ["KDPM2Discrete, v", KDPM2DiscreteScheduler, { predictionType: "v_prediction" }, 4.6934e-7],
  ["KDPM2AncestralDiscrete", KDPM2AncestralDiscreteScheduler, {}, 13979.9433],
  ["KDPM2AncestralDiscrete, v", KDPM2AncestralDiscreteScheduler, { predictionType: "v_prediction" }, 331.8133],
  ["DPMSolverSDE", DPMSolverSDEScheduler, { noiseSamplerSeed: 0 }, 162.52383],
  ["DPMSolverSDE, v", DPMSolverSDEScheduler, { noiseSamplerSeed: 0, predictionType: "v_prediction" }, 119.84875],
  ["DPMSolverSDE, Karras", DPMSolverSDEScheduler, { noiseSamplerSeed: 0, useKarrasSigmas: true }, 170.31352],
  ["SASolver", SASolverScheduler, {}, 337.39429],
  ["SASolver, v", SASolverScheduler, { predictionType: "v_prediction" }, 193.14677],
  ["SASolver, Karras", SASolverScheduler, { useKarrasSigmas: true }, 837.25549],
] as const)("%s", (_, Scheduler, options, sum) => {
  it("from noise", () => {
    const plan = new Scheduler({ ...sigmaSpace, ...options }).plan(steps);
    expect(Math.abs(magnitudes(toyRun(plan, plan.start(toySample), { scaled: true })).sum - sum)).toBeLessThan(1e-2);
  });
});

it.each([
  ["LMSDiscrete", LMSDiscreteScheduler, 27663.6895],
  ["KDPM2Discrete", KDPM2DiscreteScheduler, 70408.4062],
  ["KDPM2AncestralDiscrete", KDPM2AncestralDiscreteScheduler, 93087.3437],
])("%s from the second-last step", (_, Scheduler, sum) => {
  const scheduler = new Scheduler(sigmaSpace);
  const plan = scheduler.plan({ ...steps, strength: 0.2 });
  const { initNoiseSigma } = scheduler.plan(steps);
  const start = plan.startFrom(plan.start(toySample).sample, toyNoise);
  expect(initNoiseSigma).toBe(plan.initNoiseSigma);
  expect(Math.abs(magnitudes(toyRun(plan, start, { scaled: true })).sum / sum - 1)).toBeLessThan(1e-6);
});

const solver = { ...linear, finalSigmasType: "sigma_min" } as const;

it.each([
  ["DPMSolverSinglestep", new DPMSolverSinglestepScheduler(solver), 0.2791],
  ["its Karras", new DPMSolverSinglestepScheduler({ ...solver, useKarrasSigmas: true }), 0.2248],
  ["its v", new DPMSolverSinglestepScheduler({ ...solver, predictionType: "v_prediction" }), 0.1453],
  [
    "its Karras, v",
    new DPMSolverSinglestepScheduler({ ...solver, predictionType: "v_prediction", useKarrasSigmas: true }),
    0.0649,
  ],
  ["DEISMultistep", new DEISMultistepScheduler(linear), 0.23916],
  ["its v", new DEISMultistepScheduler({ ...linear, predictionType: "v_prediction" }), 0.091],
] as const)("%s from noise", (_, scheduler, mean) => {
  const plan = scheduler.plan(steps);
  expect(Math.abs(magnitudes(toyRun(plan, plan.state(toySample))).mean - mean)).toBeLessThan(1e-3);
});

it.each([
  ["DPMSolverSinglestep", new DPMSolverSinglestepScheduler(solver), 0.5, 269.2187],
  ["DEISMultistep", new DEISMultistepScheduler(linear), 0.2, 315.3016],
] as const)("%s from later on", (_, scheduler, strength, sum) => {
  const plan = scheduler.plan({ ...steps, strength });
  expect(magnitudes(toyRun(plan, plan.startFrom(toySample, toyNoise))).sum).toBeCloseTo(sum, 2);
});

it("DPMSolverSinglestep from the fourth of 50 steps", () => {
  const whole = new DPMSolverSinglestepScheduler(solver).plan({ numInferenceSteps: 50 });
  const plan = { ...whole, timesteps: whole.timesteps.slice(3) };
  expect(magnitudes(toyRun(plan, plan.state(toySample, 3))).mean).toBeCloseTo(0.2574, 3);
});

it("IPNDM twice over, with the history of the first run", () => {
  const plan = new IPNDMScheduler().plan(steps);
  const first = toyRun(plan, plan.state(toySample));
  const { mean } = magnitudes(toyRun(plan, { ...first, index: 0 }));
  expect(Math.abs(mean - 2540529)).toBeLessThan(10);
});
