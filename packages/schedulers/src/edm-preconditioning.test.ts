import { type Tensor, tensor, torchRandom } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { CMStochasticIterativeScheduler } from "./cm-stochastic-iterative.js";
import { EDMDPMSolverMultistepScheduler } from "./edm-dpm-solver-multistep.js";
import { EDMEulerScheduler } from "./edm-euler.js";

const normal = (seed: number): Tensor => torchRandom(seed).normal([1, 4, 3, 5]);
const negated = ({ data, shape }: Tensor): Tensor =>
  tensor(
    data.map((x) => -x),
    shape,
  );

describe.each([EDMEulerScheduler, EDMDPMSolverMultistepScheduler])("%o", (schedulerClass) => {
  it("turns the sign of a v-prediction", () => {
    const [epsilon, velocity] = (["epsilon", "v_prediction"] as const).map((predictionType) =>
      new schedulerClass({ predictionType }).plan({ numInferenceSteps: 4 }),
    );
    const [a, b] = [
      epsilon!.step(epsilon!.start(normal(1)), normal(2)),
      velocity!.step(velocity!.start(normal(1)), negated(normal(2))),
    ];
    expect(a.sample.data).toEqual(b.sample.data);
  });

  it("starts at the highest level and ends at none, or at the lowest", () => {
    for (const sigmaSchedule of ["karras", "exponential"] as const) {
      const { sigmas } = new schedulerClass({ sigmaSchedule }).plan({ numInferenceSteps: 9 });
      expect(sigmas?.[0]).toBeCloseTo(80, 3);
      expect(sigmas?.slice(-2).map((sigma) => Number(sigma.toFixed(6)))).toEqual([0.002, 0]);
      const kept = new schedulerClass({ sigmaSchedule, finalSigmasType: "sigma_min" }).plan({ numInferenceSteps: 9 });
      expect(kept.sigmas?.at(-1)).toBeCloseTo(0.002, 7);
    }
  });

  it("refuses levels that do not descend", () => {
    expect(() => new schedulerClass({ sigmaMin: 3, sigmaMax: 2 })).toThrow(
      "sigmaMin: expected a number below sigmaMax = 2, got 3",
    );
    expect(() => new schedulerClass({ sigmaData: 0 })).toThrow("sigmaData: expected a finite number above 0, got 0");
    expect(() => new schedulerClass().plan({ sigmas: [1, 0] })).toThrow(/takes numInferenceSteps only/);
  });
});

it("EDMDPMSolverMultistepScheduler has no third-order SDE", () => {
  expect(() => new EDMDPMSolverMultistepScheduler({ algorithmType: "sde-dpmsolver++", solverOrder: 3 })).toThrow(
    'solverOrder: algorithmType "sde-dpmsolver++" has orders 1 to 2, got 3',
  );
});

describe("CMStochasticIterativeScheduler", () => {
  it("returns the clean sample of a one-step run, without noise", () => {
    const plan = new CMStochasticIterativeScheduler().plan({ numInferenceSteps: 1 });
    const { sample, predOriginalSample } = plan.step(plan.start(normal(1)), normal(2));
    expect(sample).toBe(predOriginalSample);
    expect(Math.max(...sample.data.map(Math.abs))).toBeLessThanOrEqual(1);
  });

  it("adds no noise after the last step, though it draws some", () => {
    const plan = new CMStochasticIterativeScheduler().plan({ timesteps: [22, 0] });
    expect(() => plan.step(plan.state(normal(1), 1), normal(2))).toThrow(TypeError);
    const { sample, predOriginalSample } = plan.step(plan.state(normal(1), 1), normal(2), torchRandom(3));
    expect(sample.data).toEqual(predOriginalSample?.data);
  });

  it("takes training levels only", () => {
    const scheduler = new CMStochasticIterativeScheduler();
    expect(() => scheduler.plan({ timesteps: [40, 0] })).toThrow(/timesteps: expected descending numbers from 0 to 39/);
    expect(() => scheduler.plan({ timesteps: [0, 22] })).toThrow(/expected descending/);
    expect(() => scheduler.plan({ numInferenceSteps: 41 })).toThrow(/expected an integer from 1 to 40, got 41/);
  });
});
