import { describe, it } from "vitest";
import { DDIMScheduler } from "./ddim.js";
import { DPMSolverMultistepScheduler } from "./dpm-solver-multistep.js";
import { EulerAncestralDiscreteScheduler } from "./euler-ancestral-discrete.js";
import { EulerDiscreteScheduler } from "./euler-discrete.js";
import { HeunDiscreteScheduler } from "./heun-discrete.js";
import { LCMScheduler } from "./lcm.js";
import { PNDMScheduler } from "./pndm.js";
import { testScheduler } from "./testing.js";
import { UniPCMultistepScheduler } from "./unipc-multistep.js";

const runner = { describe, it };
const stableDiffusion = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear" } as const;

testScheduler({ schedulerClass: DDIMScheduler, options: { ...stableDiffusion, clipSample: false } }, runner);
testScheduler(
  { schedulerClass: EulerDiscreteScheduler, options: { ...stableDiffusion, useKarrasSigmas: true } },
  runner,
);
testScheduler({ schedulerClass: EulerAncestralDiscreteScheduler, options: stableDiffusion }, runner);
testScheduler({ schedulerClass: HeunDiscreteScheduler, options: stableDiffusion }, runner);
testScheduler({ schedulerClass: LCMScheduler, options: stableDiffusion }, runner);

for (const solverType of ["bh1", "bh2"] as const) {
  const options = { ...stableDiffusion, solverType, solverOrder: 3 };
  testScheduler({ schedulerClass: UniPCMultistepScheduler, options }, runner);
}

for (const skipPrkSteps of [true, false]) {
  const options = { ...stableDiffusion, skipPrkSteps, setAlphaToOne: true, stepsOffset: 1 };
  const reason = "Diffusers takes the second call for the repeated timestep, or the first twelve for Runge–Kutta";
  testScheduler({ schedulerClass: PNDMScheduler, options, skip: { "recovers it from half-way too": reason } }, runner);
}

for (const algorithmType of ["dpmsolver++", "sde-dpmsolver++"] as const) {
  for (const solverOrder of [1, 2, 3]) {
    const options = { ...stableDiffusion, algorithmType, solverOrder };
    testScheduler({ schedulerClass: DPMSolverMultistepScheduler, options }, runner);
  }
}

for (const algorithmType of ["dpmsolver", "sde-dpmsolver"] as const) {
  const options = { ...stableDiffusion, algorithmType, finalSigmasType: "sigma_min" } as const;
  const reason = "these algorithms end at the lowest training level, where some noise is left";
  const skip = { "recovers the sample of a perfect network": reason, "recovers it from half-way too": reason };
  testScheduler({ schedulerClass: DPMSolverMultistepScheduler, options, skip }, runner);
}
