import { type Tensor, torchRandom, weightedSum } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { FlowMatchEulerDiscreteScheduler } from "./flow-match-euler-discrete.js";
import { FlowMatchHeunDiscreteScheduler } from "./flow-match-heun-discrete.js";

const normal = (seed: number): Tensor => torchRandom(seed).normal([1, 4, 3, 5]);

describe("FlowMatchEulerDiscreteScheduler", () => {
  it("shifts by mu as by the shift it is the logarithm of", () => {
    const sigmas = [1, 0.8, 0.5, 0.1];
    const dynamic = new FlowMatchEulerDiscreteScheduler({ useDynamicShifting: true });
    const linear = new FlowMatchEulerDiscreteScheduler({ useDynamicShifting: true, timeShiftType: "linear" });
    const fixed = new FlowMatchEulerDiscreteScheduler({ shift: 3 }).plan({ sigmas });
    for (const plan of [dynamic.plan({ sigmas, mu: Math.log(3) }), linear.plan({ sigmas, mu: 3 })]) {
      plan.timesteps.forEach((t, i) => {
        expect(t).toBeCloseTo(fixed.timesteps[i]!, 3);
      });
    }
  });

  it("ends where it is told to", () => {
    const plan = new FlowMatchEulerDiscreteScheduler({ shift: 3, shiftTerminal: 0.1 }).plan({ numInferenceSteps: 5 });
    expect(plan.sigmas?.[0]).toBe(1);
    expect(plan.sigmas?.at(-2)).toBeCloseTo(0.1, 7);
    expect(plan.sigmas?.at(-1)).toBe(0);
  });

  it("counts from noise to sample when inverted", () => {
    const plan = new FlowMatchEulerDiscreteScheduler({ invertSigmas: true }).plan({ sigmas: [1, 0.75, 0.5] });
    expect(plan.sigmas).toEqual([0, 0.25, 0.5, 1]);
    expect(plan.timesteps).toEqual([0, 250, 500]);
    // such a network returns x₀ − ε
    const [clean, noise] = [normal(1), normal(2)];
    const output = weightedSum([
      [1, clean],
      [-1, noise],
    ]);
    const state = plan.step(plan.state(noise), output);
    state.predOriginalSample?.data.forEach((value, i) => {
      expect(value).toBeCloseTo(clean.data[i]!, 5);
    });
  });

  it("draws noise only when it is stochastic", () => {
    const [plain, random] = [false, true].map((stochasticSampling) =>
      new FlowMatchEulerDiscreteScheduler({ stochasticSampling }).plan({ numInferenceSteps: 4 }),
    );
    expect(() => plain!.step(plain!.start(normal(1)), normal(2))).not.toThrow();
    expect(() => random!.step(random!.start(normal(1)), normal(2))).toThrow(TypeError);
  });

  it.each([
    [{}, { sigmas: [1, 0.5, 0] }, "sigmas: expected at least one above 0, without the last level, 0"],
    [{}, { sigmas: [1.5, 0.5] }, "sigmas: expected descending numbers from 0 to 1, got [1.5, 0.5]"],
    [{}, { sigmas: [] }, "sigmas: expected at least one above 0"],
    [{}, { timesteps: [1001] }, "timesteps: expected descending numbers from 0 to 1000, got [1001]"],
    [{}, { timesteps: [5, 0] }, "timesteps: expected at least one above 0"],
    [{ useDynamicShifting: true }, { numInferenceSteps: 4 }, "mu: useDynamicShifting needs it"],
    [{ useDynamicShifting: true }, { numInferenceSteps: 4, mu: Number.NaN }, "mu: expected the logarithm of a shift"],
    [
      { useDynamicShifting: true, timeShiftType: "linear" },
      { numInferenceSteps: 4, mu: -1 },
      "mu: expected a finite number above 0, got -1",
    ],
    [{ shiftTerminal: 0.1 }, { numInferenceSteps: 1 }, "shiftTerminal: a run that ends at the highest level"],
  ] as const)("explains what is wrong with %o %o", (options, asked, message) => {
    expect(() => new FlowMatchEulerDiscreteScheduler(options).plan(asked)).toThrow(message);
  });

  it("refuses settings that do not go together", () => {
    expect(() => new FlowMatchEulerDiscreteScheduler({ invertSigmas: true, stochasticSampling: true })).toThrow(
      RangeError,
    );
    expect(() => new FlowMatchEulerDiscreteScheduler({ useBetaSigmas: true, useKarrasSigmas: true })).toThrow(
      "useKarrasSigmas, useBetaSigmas: expected at most one",
    );
    expect(() => new FlowMatchEulerDiscreteScheduler({ shift: 0 })).toThrow("shift: expected a finite number above 0");
  });
});

it("FlowMatchHeunDiscreteScheduler takes Euler's step when both slopes are one", () => {
  const euler = new FlowMatchEulerDiscreteScheduler({ shift: 2 }).plan({ numInferenceSteps: 2 });
  const heun = new FlowMatchHeunDiscreteScheduler({ shift: 2 }).plan({ numInferenceSteps: 2 });
  const one = euler.step(euler.start(normal(1)), normal(2));
  const two = [1, 2].reduce((state) => heun.step(state, normal(2)), heun.start(normal(1)));
  expect(two.sample.data).toEqual(one.sample.data);
});
