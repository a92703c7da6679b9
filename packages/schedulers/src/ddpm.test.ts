import { concat, type Tensor, tensor, torchRandom } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { DDPMScheduler, type DDPMVarianceType } from "./ddpm.js";

const normal = (seed: number): Tensor => torchRandom(seed).normal([2, 3, 4, 5]);
const stableDiffusion = {
  betaStart: 0.00085,
  betaEnd: 0.012,
  betaSchedule: "scaled_linear",
  clipSample: false,
} as const;

const stepped = (varianceType: DDPMVarianceType, output = normal(2)): Float32Array => {
  const plan = new DDPMScheduler({ ...stableDiffusion, varianceType }).plan({ numInferenceSteps: 5 });
  return plan.step(plan.state(normal(1)), output, torchRandom(3)).sample.data;
};

/** `[2, 3, …]` and a constant as channels of one `[2, 6, …]`. */
const withVariance = (mean: Tensor, variance: number): Tensor => {
  const size = mean.data.length / 2;
  const constant = tensor(new Float32Array(size).fill(variance), [1, 3, 4, 5]);
  const items = [0, 1].map((i) => tensor(mean.data.subarray(i * size, (i + 1) * size), [1, 3, 4, 5]));
  const halves = items.flatMap((item) => [item, constant]);
  return tensor(concat(halves).data, [2, 6, 4, 5]);
};

describe("DDPMScheduler", () => {
  it("takes the logarithmic names for the same variances", () => {
    expect(stepped("fixed_small_log")).toEqual(stepped("fixed_small"));
    expect(stepped("fixed_large_log")).toEqual(stepped("fixed_large"));
    expect(stepped("fixed_large")).not.toEqual(stepped("fixed_small"));
  });

  it("finds the fixed variances at the ends of a learned range", () => {
    for (const [share, fixed] of [
      [-1, "fixed_small"],
      [1, "fixed_large"],
    ] as const) {
      const learned = stepped("learned_range", withVariance(normal(2), share));
      stepped(fixed).forEach((value, i) => {
        expect(learned[i]).toBeCloseTo(value, 6);
      });
    }
  });

  it("wants prediction and variance for a learned one", () => {
    expect(() => stepped("learned")).toThrow(
      new RangeError("modelOutput, prediction and variance: expected shape [2, 6, 4, 5], got [2, 3, 4, 5]"),
    );
    expect(() => stepped("fixed_small", withVariance(normal(2), 0.5))).toThrow(/^modelOutput: expected shape/);
  });

  it("draws noise down to the first training step, where none is left", () => {
    const scheduler = new DDPMScheduler(stableDiffusion);
    const plan = scheduler.plan({ timesteps: [700, 0] });
    expect(() => plan.step(plan.state(normal(1), 0), normal(2))).toThrow(/random: DDPMScheduler draws noise/);
    expect(() => plan.step(plan.state(normal(1), 1), normal(2))).not.toThrow();
    const cut = scheduler.plan({ timesteps: [700, 300] });
    expect(() => cut.step(cut.state(normal(1), 1), normal(2))).toThrow(TypeError);
  });

  it("refuses what it cannot compute", () => {
    expect(() => new DDPMScheduler().plan({ timesteps: [10.5, 2] })).toThrow(RangeError);
    expect(() => new DDPMScheduler().plan({ timesteps: [10, 10] })).toThrow(/timesteps: expected descending/);
    const zero = new DDPMScheduler({ rescaleBetasZeroSnr: true, timestepSpacing: "linspace" });
    expect(() => zero.plan({ numInferenceSteps: 4 })).toThrow(/predictionType: "epsilon"/);
  });
});
