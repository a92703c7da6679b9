import { type Tensor, tensor, torchRandom, weightedSum } from "@latentkit/core";
import { expect, it } from "vitest";
import {
  DDIMInverseScheduler,
  DDIMScheduler,
  DDPMScheduler,
  DPMSolverMultistepInverseScheduler,
  DPMSolverMultistepScheduler,
  EulerDiscreteScheduler,
  HeunDiscreteScheduler,
  LCMScheduler,
  type Plan,
  type PredictionType,
  type SamplerState,
  TCDScheduler,
  UniPCMultistepScheduler,
} from "./index.js";

const shape = [2, 4, 3, 5];
const one = (value: number): Tensor => tensor(Float32Array.of(value), [1, 1, 1, 1]);

/** What one network returns when it was trained to return ε, v or x₀. */
function network(kind: PredictionType, plan: Plan, { index, sample }: SamplerState): Tensor {
  const alpha = plan.addNoise(one(1), one(0), index).data[0]!;
  const sigma = plan.addNoise(one(0), one(1), index).data[0]!;
  const radius = Math.hypot(alpha, sigma);
  const noise = tensor(
    sample.data.map((x) => 0.7 * Math.sin((2 * x) / radius) + 0.1 * index),
    shape,
  );
  const clean = weightedSum([
    [1 / alpha, sample],
    [-sigma / alpha, noise],
  ]);
  if (kind === "epsilon") return noise;
  if (kind === "sample") return clean;
  return weightedSum([
    [alpha / radius, noise],
    [-sigma / radius, clean],
  ]);
}

const stableDiffusion = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear" } as const;
const unclipped = { ...stableDiffusion, clipSample: false };

it.each([
  [DDIMScheduler, unclipped],
  [DDIMInverseScheduler, { ...unclipped, setAlphaToOne: false }],
  [DDPMScheduler, unclipped],
  [DPMSolverMultistepScheduler, stableDiffusion],
  [DPMSolverMultistepInverseScheduler, stableDiffusion],
  [EulerDiscreteScheduler, stableDiffusion],
  [HeunDiscreteScheduler, stableDiffusion],
  [LCMScheduler, stableDiffusion],
  [TCDScheduler, stableDiffusion],
  [UniPCMultistepScheduler, stableDiffusion],
])("%o takes ε, v and x₀ of one network to the same sample", (schedulerClass, options) => {
  const [noise, velocity, clean] = (["epsilon", "v_prediction", "sample"] as const).map((predictionType) => {
    const plan = new schedulerClass({ ...options, predictionType }).plan({ numInferenceSteps: 6 });
    const random = torchRandom(1);
    const start = plan.start(torchRandom(2).normal(shape));
    return plan.timesteps.reduce((state) => plan.step(state, network(predictionType, plan, state), random), start);
  });
  const scale = Math.max(...noise!.sample.data.map(Math.abs));
  noise!.sample.data.forEach((value, i) => {
    expect(Math.abs(velocity!.sample.data[i]! - value)).toBeLessThan(1e-3 * scale);
    expect(Math.abs(clean!.sample.data[i]! - value)).toBeLessThan(1e-3 * scale);
  });
});
