import { weightedSum } from "@latentkit/core";
import { describe, it } from "vitest";
import { CMStochasticIterativeScheduler } from "./cm-stochastic-iterative.js";
import { DDIMScheduler } from "./ddim.js";
import { DDIMInverseScheduler } from "./ddim-inverse.js";
import { DDPMScheduler } from "./ddpm.js";
import { DEISMultistepScheduler } from "./deis-multistep.js";
import { DPMSolverMultistepScheduler } from "./dpm-solver-multistep.js";
import { DPMSolverMultistepInverseScheduler } from "./dpm-solver-multistep-inverse.js";
import { DPMSolverSDEScheduler } from "./dpm-solver-sde.js";
import { DPMSolverSinglestepScheduler } from "./dpm-solver-singlestep.js";
import { EDMDPMSolverMultistepScheduler } from "./edm-dpm-solver-multistep.js";
import { EDMEulerScheduler } from "./edm-euler.js";
import { EulerAncestralDiscreteScheduler } from "./euler-ancestral-discrete.js";
import { EulerDiscreteScheduler } from "./euler-discrete.js";
import { FlowMatchEulerDiscreteScheduler } from "./flow-match-euler-discrete.js";
import { FlowMatchHeunDiscreteScheduler } from "./flow-match-heun-discrete.js";
import { HeunDiscreteScheduler } from "./heun-discrete.js";
import { IPNDMScheduler } from "./ipndm.js";
import { KDPM2AncestralDiscreteScheduler } from "./kdpm2-ancestral-discrete.js";
import { KDPM2DiscreteScheduler } from "./kdpm2-discrete.js";
import { LCMScheduler } from "./lcm.js";
import { LMSDiscreteScheduler } from "./lms-discrete.js";
import { PNDMScheduler } from "./pndm.js";
import { SASolverScheduler } from "./sa-solver.js";
import { TCDScheduler } from "./tcd.js";
import { type PerfectMoment, testScheduler } from "./testing.js";
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

for (const varianceType of ["fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log"] as const) {
  const options = { ...stableDiffusion, varianceType, clipSample: false };
  testScheduler({ schedulerClass: DDPMScheduler, options }, runner);
}

const unrecovered = (reason: string) => ({
  "recovers the sample of a perfect network": reason,
  "recovers it from half-way too": reason,
});
const trained = unrecovered("it ends at the first training level, where some noise is left");
testScheduler({ schedulerClass: TCDScheduler, options: stableDiffusion, skip: trained }, runner);

const inverse = unrecovered("it leads from a sample to its noise");
testScheduler({ schedulerClass: DDIMInverseScheduler, options: stableDiffusion, skip: inverse }, runner);
testScheduler({ schedulerClass: DPMSolverMultistepInverseScheduler, options: stableDiffusion, skip: inverse }, runner);

/** F of D = c_skip · x + c_out · F, for σ_data = 0.5 (Karras et al. 2022, table 1). */
const preconditioned = ({ sample, clean, sigma }: PerfectMoment) => {
  const radius = Math.hypot(sigma, 0.5);
  const out = (sigma * 0.5) / radius;
  return weightedSum([
    [1 / out, clean],
    [-((0.5 / radius) ** 2) / out, sample],
  ]);
};
testScheduler({ schedulerClass: EDMEulerScheduler, perfectOutput: preconditioned }, runner);
for (const options of [
  { solverOrder: 1 },
  { sigmaSchedule: "exponential" },
  { solverOrder: 3, solverType: "heun" },
  { algorithmType: "sde-dpmsolver++", solverType: "heun" },
] as const) {
  testScheduler({ schedulerClass: EDMDPMSolverMultistepScheduler, options, perfectOutput: preconditioned }, runner);
}

/** The same with the boundary condition at σ_min = 0.002 (Song et al. 2023, appendix C). */
const consistent = ({ sample, clean, sigma }: PerfectMoment) => {
  const out = ((sigma - 0.002) * 0.5) / Math.hypot(sigma, 0.5);
  return weightedSum([
    [1 / out, clean],
    [-(0.5 ** 2 / ((sigma - 0.002) ** 2 + 0.5 ** 2)) / out, sample],
  ]);
};
testScheduler({ schedulerClass: CMStochasticIterativeScheduler, perfectOutput: consistent }, runner);

const velocity = ({ noise, clean }: PerfectMoment) =>
  weightedSum([
    [1, noise],
    [-1, clean],
  ]);
for (const options of [{ shift: 3 }, { useKarrasSigmas: true }, { stochasticSampling: true }]) {
  testScheduler({ schedulerClass: FlowMatchEulerDiscreteScheduler, options, perfectOutput: velocity }, runner);
}
testScheduler(
  { schedulerClass: FlowMatchHeunDiscreteScheduler, options: { shift: 3 }, perfectOutput: velocity },
  runner,
);

const missing = "Diffusers weighs the first slopes after a skip as if those before them were known";
const skipsSlopes = { "recovers it from half-way too": missing };
testScheduler({ schedulerClass: LMSDiscreteScheduler, options: stableDiffusion, skip: skipsSlopes }, runner);
testScheduler({ schedulerClass: KDPM2DiscreteScheduler, options: stableDiffusion }, runner);
testScheduler({ schedulerClass: KDPM2AncestralDiscreteScheduler, options: stableDiffusion }, runner);

for (const noiseSamplerSeed of [null, 5, [5, 6]]) {
  const options = { ...stableDiffusion, noiseSamplerSeed };
  testScheduler({ schedulerClass: DPMSolverSDEScheduler, options }, runner);
}

for (const algorithmType of ["dpmsolver++", "sde-dpmsolver++"] as const) {
  for (const solverOrder of [1, 2, 3]) {
    const options = { ...stableDiffusion, algorithmType, solverOrder };
    testScheduler({ schedulerClass: DPMSolverSinglestepScheduler, options }, runner);
  }
}

const toSigmaMin = unrecovered("it ends at the lowest training level, where some noise is left");
const ending = { ...stableDiffusion, algorithmType: "dpmsolver", finalSigmasType: "sigma_min" } as const;
testScheduler({ schedulerClass: DPMSolverSinglestepScheduler, options: ending, skip: toSigmaMin }, runner);
const deis = { ...stableDiffusion, solverOrder: 3 };
testScheduler({ schedulerClass: DEISMultistepScheduler, options: deis, skip: toSigmaMin }, runner);

for (const algorithmType of ["data_prediction", "noise_prediction"] as const) {
  const options = { ...stableDiffusion, algorithmType, predictorOrder: 3, correctorOrder: 4 };
  testScheduler({ schedulerClass: SASolverScheduler, options, skip: toSigmaMin }, runner);
}

/** v (Salimans & Ho 2022, appendix D). */
const angular = ({ noise, clean, alpha, sigma }: PerfectMoment) =>
  weightedSum([
    [alpha, noise],
    [-sigma, clean],
  ]);
const blind = "from the first level, all noise, Diffusers' formula takes along the noise and not the predicted sample";
testScheduler(
  {
    schedulerClass: IPNDMScheduler,
    perfectOutput: angular,
    skip: { "recovers the sample of a perfect network": blind },
  },
  runner,
);
