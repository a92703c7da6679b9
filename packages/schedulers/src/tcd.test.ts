import { type Tensor, torchRandom } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { TCDScheduler } from "./tcd.js";

const normal = (seed: number): Tensor => torchRandom(seed).normal([1, 4, 3, 5]);

describe("TCDScheduler", () => {
  it("visits any training step when the run names the distilled ones", () => {
    const scheduler = new TCDScheduler();
    expect(scheduler.plan({ numInferenceSteps: 3, originalInferenceSteps: 20 }).timesteps).toEqual([999, 666, 333]);
    expect(scheduler.plan({ numInferenceSteps: 4, strength: 0.5 }).timesteps).toEqual([499, 379, 259, 139]);
  });

  it("has an eta of 0.3 unless told otherwise", () => {
    const [silent, given, none] = [undefined, 0.3, 0].map((eta) => {
      const plan = new TCDScheduler().plan({ numInferenceSteps: 4, eta });
      return plan.step(plan.start(normal(1)), normal(2), torchRandom(3)).sample.data;
    });
    expect(silent).toEqual(given);
    expect(silent).not.toEqual(none);
  });

  it("draws noise before the last step only", () => {
    const plan = new TCDScheduler().plan({ numInferenceSteps: 4 });
    expect(() => plan.step(plan.state(normal(1), 2), normal(2))).toThrow(/random: TCDScheduler draws noise/);
    expect(() => plan.step(plan.state(normal(1), 3), normal(2))).not.toThrow();
    const still = new TCDScheduler().plan({ numInferenceSteps: 4, eta: 0 });
    expect(() => still.step(still.state(normal(1), 0), normal(2))).not.toThrow();
  });

  it.each([
    [{ numInferenceSteps: 60 }, "numInferenceSteps: expected an integer from 1 to 50, got 60"],
    [{ numInferenceSteps: 30, strength: 0.5 }, "numInferenceSteps: expected at most 25"],
    [{ numInferenceSteps: 4, eta: 1.5 }, "eta: expected a number from 0 to 1, got 1.5"],
    [{ numInferenceSteps: 4, originalInferenceSteps: 0 }, "originalInferenceSteps: expected an integer from 1 to 1000"],
  ])("explains what is wrong with %o", (options, message) => {
    expect(() => new TCDScheduler().plan(options)).toThrow(message);
  });
});
