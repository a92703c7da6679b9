import { torchRandom } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import {
  DDIMScheduler,
  DPMSolverMultistepScheduler,
  EulerAncestralDiscreteScheduler,
  EulerDiscreteScheduler,
  FlowMatchEulerDiscreteScheduler,
  HeunDiscreteScheduler,
  LCMScheduler,
  PNDMScheduler,
  UniPCMultistepScheduler,
} from "./index.js";

const stableDiffusion = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear" } as const;
const noise = (seed: number) => torchRandom(seed).normal([1, 4, 6, 10]);

it("makes instances of each class, also from a config", () => {
  expect(new DDIMScheduler()).toBeInstanceOf(DDIMScheduler);
  expect(EulerDiscreteScheduler.fromConfig({})).toBeInstanceOf(EulerDiscreteScheduler);
  expect(EulerDiscreteScheduler.fromConfig({})).not.toBeInstanceOf(DDIMScheduler);
});

describe("plan", () => {
  it("keeps what strength leaves", () => {
    const scheduler = new HeunDiscreteScheduler(stableDiffusion);
    const whole = scheduler.plan({ numInferenceSteps: 10 });
    const half = scheduler.plan({ numInferenceSteps: 10, strength: 0.45 });
    expect(half.timesteps).toEqual(whole.timesteps.slice(12));
    expect(half.sigmas).toEqual(whole.sigmas?.slice(12));
    expect(half.addNoise(noise(1), noise(2), 0).data).toEqual(whole.addNoise(noise(1), noise(2), 12).data);
  });

  it("begins at any step with a sample as it is", () => {
    const plan = new DDIMScheduler(stableDiffusion).plan({ numInferenceSteps: 5 });
    const state = plan.state(noise(1), 3);
    expect(state.index).toBe(3);
    expect(plan.step(state, noise(2)).index).toBe(4);
    expect(() => plan.state(noise(1), 5)).toThrow(
      new RangeError("index: expected an integer from 0 to 4, the plan's steps, got 5"),
    );
  });

  it("draws noise only where there is some to add", () => {
    const plan = new DDIMScheduler(stableDiffusion).plan({ numInferenceSteps: 5, eta: 0.5 });
    expect(() => plan.step(plan.start(noise(1)), noise(2))).toThrow(/random: DDIMScheduler draws noise/);
    const churned = new EulerDiscreteScheduler(stableDiffusion).plan({ numInferenceSteps: 5, sChurn: 1, sTmax: 5 });
    expect(() => churned.step(churned.state(noise(1), 0), noise(2))).not.toThrow();
    expect(() => churned.step(churned.state(noise(1), 2), noise(2))).toThrow(TypeError);
  });

  it.each([
    [new DDIMScheduler(), { timesteps: [5] }, "timesteps: DDIMScheduler takes numInferenceSteps only"],
    [
      new DDIMScheduler(),
      { numInferenceSteps: 5, timesteps: [5] },
      "plan: expected one of numInferenceSteps, got numInferenceSteps and timesteps",
    ],
    [
      new EulerDiscreteScheduler(),
      { timesteps: [5, 10] },
      "timesteps: expected descending numbers from 0 to 999, got [5, 10]",
    ],
    [
      new EulerDiscreteScheduler(),
      { sigmas: [5] },
      'sigmas: expected at least two, the last one 0 unless finalSigmasType is "sigma_min", got [5]',
    ],
    [
      new EulerDiscreteScheduler(),
      { sigmas: [14, 5, 0.5] },
      'sigmas: expected at least two, the last one 0 unless finalSigmasType is "sigma_min", got [14, 5, 0.5]',
    ],
    [new EulerDiscreteScheduler(), { sigmas: [5, 5, 0] }, "sigmas: expected descending numbers from 0 to Infinity"],
    [
      new FlowMatchEulerDiscreteScheduler(),
      { sigmas: [1, 0.5, 0] },
      "sigmas: expected at least one above 0, without the last level, 0; got [1, 0.5, 0]",
    ],
    [
      new EulerDiscreteScheduler({ useKarrasSigmas: true }),
      { timesteps: [5] },
      "timesteps: useKarrasSigmas chooses them; ask for numInferenceSteps",
    ],
    [
      new EulerAncestralDiscreteScheduler(),
      { numInferenceSteps: 2000 },
      "numInferenceSteps: expected an integer from 1 to 1000, got 2000",
    ],
    [
      new PNDMScheduler(),
      { numInferenceSteps: 3 },
      "numInferenceSteps: Runge–Kutta steps need at least 4, got 3; or set skipPrkSteps",
    ],
    [
      new LCMScheduler(),
      { numInferenceSteps: 30, strength: 0.5 },
      "numInferenceSteps: expected at most 25, originalInferenceSteps 50 × strength 0.5, got 30",
    ],
    [
      new UniPCMultistepScheduler(),
      { numInferenceSteps: 4, strength: 0.1 },
      "strength: 0.1 of 4 steps leaves none; expected at least 0.25",
    ],
    [
      new UniPCMultistepScheduler(),
      { numInferenceSteps: 1000 },
      "numInferenceSteps: 1000 steps make two levels equal; ask for fewer",
    ],
    [
      new UniPCMultistepScheduler({ timestepSpacing: "leading" }),
      { numInferenceSteps: 1000 },
      'numInferenceSteps: "leading" spacing needs fewer than 1000, got 1000',
    ],
    [new DDIMScheduler(), { numInferenceSteps: 4, eta: Number.NaN }, "eta: expected a number from 0 to 1, got NaN"],
  ])("explains what is wrong with %o %o", (scheduler, options, message) => {
    expect(() => scheduler.plan(options)).toThrow(message);
  });

  it("takes an empty last step, which Karras sigmas to the lowest level make", () => {
    const options = { ...stableDiffusion, useKarrasSigmas: true, finalSigmasType: "sigma_min" } as const;
    for (const scheduler of [
      new UniPCMultistepScheduler({ ...options, lowerOrderFinal: false }),
      new DPMSolverMultistepScheduler({ ...options, lowerOrderFinal: false, solverType: "heun" }),
    ]) {
      const plan = scheduler.plan({ numInferenceSteps: 5 });
      const states = [1, 2, 3, 4].reduce((state, seed) => plan.step(state, noise(seed)), plan.start(noise(6)));
      expect(plan.step(states, noise(5)).sample.data.every(Number.isFinite)).toBe(true);
    }
  });

  it("looks for NaN in what the network returns when asked to", () => {
    const spoiled = noise(2);
    spoiled.data[7] = Number.NaN;
    for (const scheduler of [new EulerDiscreteScheduler(), new LCMScheduler(), new UniPCMultistepScheduler()]) {
      const [trusting, careful] = [{}, { checkFinite: true }].map((extra) =>
        scheduler.plan({ numInferenceSteps: 4, ...extra }),
      );
      expect(trusting!.step(trusting!.start(noise(1)), spoiled, torchRandom(3)).sample.data[7]).toBeNaN();
      expect(() => careful!.step(careful!.start(noise(1)), spoiled, torchRandom(3))).toThrow(
        new RangeError("modelOutput: expected finite numbers, got NaN"),
      );
    }
  });

  it("names a list that is none, and noise that does not fit", () => {
    const scheduler = new EulerDiscreteScheduler();
    // @ts-expect-error a number for a list
    expect(() => scheduler.plan({ timesteps: 5 })).toThrow(
      new TypeError("timesteps: expected a list of numbers, got 5"),
    );
    const plan = scheduler.plan({ numInferenceSteps: 4 });
    const turned = torchRandom(1).normal([1, 4, 10, 6]);
    expect(() => plan.startFrom(noise(1), turned)).toThrow(/^noise: expected shape \[1, 4, 6, 10\]/);
  });

  it("names an option it does not know", () => {
    const options = { numInferenceSteps: 4, steps: 4 };
    expect(() => new DDIMScheduler().plan(options)).toThrow(
      /^steps: not an option of plan, which knows numInferenceSteps, timesteps/,
    );
  });

  it("refuses to lead ε away from a level without signal", () => {
    const scheduler = new DDIMScheduler({ rescaleBetasZeroSnr: true, timestepSpacing: "trailing" });
    expect(() => scheduler.plan({ numInferenceSteps: 4 })).toThrow(/predictionType: "epsilon"/);
  });

  it("steps DDIM and Euler to the same sample: one equation in two scales", () => {
    const [ddim, euler] = [
      new DDIMScheduler({ ...stableDiffusion, clipSample: false }),
      new EulerDiscreteScheduler({ ...stableDiffusion, timestepSpacing: "leading" }),
    ].map((scheduler) => scheduler.plan({ numInferenceSteps: 5 }));
    const predictions = [1, 2, 3, 4, 5].map(noise);
    const scaled = predictions.reduce((state, eps) => euler!.step(state, eps), euler!.startFrom(noise(6), noise(7)));
    const unit = predictions.reduce((state, eps) => ddim!.step(state, eps), ddim!.startFrom(noise(6), noise(7)));
    unit.sample.data.forEach((value, i) => {
      expect(Math.abs(value - scaled.sample.data[i]!)).toBeLessThan(2e-5);
    });
  });
});
