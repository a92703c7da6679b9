import { type Tensor, torchRandom } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { DDIMScheduler } from "./ddim.js";
import { DDIMInverseScheduler } from "./ddim-inverse.js";
import { DPMSolverMultistepInverseScheduler } from "./dpm-solver-multistep-inverse.js";

const normal = (seed: number): Tensor => torchRandom(seed).normal([1, 4, 3, 5]);
const options = {
  betaStart: 0.00085,
  betaEnd: 0.012,
  betaSchedule: "scaled_linear",
  clipSample: false,
  setAlphaToOne: false,
  stepsOffset: 1,
} as const;

describe("DDIMInverseScheduler", () => {
  it("is undone by DDIM when the network says the same noise", () => {
    const [inverse, forward] = [DDIMInverseScheduler, DDIMScheduler].map((schedulerClass) =>
      new schedulerClass(options).plan({ numInferenceSteps: 8 }),
    );
    expect(inverse!.timesteps.toReversed()).toEqual(forward!.timesteps);
    const outputs = [1, 2, 3, 4, 5, 6, 7, 8].map(normal);
    const noisy = outputs.reduce((state, output) => inverse!.step(state, output), inverse!.state(normal(9)));
    const start = forward!.state(noisy.sample);
    const back = outputs.toReversed().reduce((state, output) => forward!.step(state, output), start);
    back.sample.data.forEach((value, i) => {
      expect(value).toBeCloseTo(normal(9).data[i]!, 4);
    });
  });

  it("keeps the first timesteps of a partial run", () => {
    const plan = new DDIMInverseScheduler(options).plan({ numInferenceSteps: 10, strength: 0.35 });
    expect(plan.timesteps).toEqual([1, 101, 201]);
    const solver = new DPMSolverMultistepInverseScheduler({ betaSchedule: "scaled_linear" });
    const [part, whole] = [0.35, 1].map((strength) => solver.plan({ numInferenceSteps: 10, strength }));
    expect(part!.timesteps).toEqual(whole!.timesteps.slice(0, 3));
    expect(part!.sigmas).toEqual(whole!.sigmas?.slice(0, 4));
  });

  it("starts at a picture as it is", () => {
    const plan = new DDIMInverseScheduler({ ...options, setAlphaToOne: true }).plan({ numInferenceSteps: 4 });
    expect(plan.startFrom(normal(1), normal(2)).sample.data).toEqual(normal(1).data);
  });

  it("refuses what has no meaning", () => {
    const sample = new DDIMInverseScheduler({ predictionType: "sample" });
    expect(() => sample.plan({ numInferenceSteps: 4 })).toThrow(/predictionType: "sample".*setAlphaToOne/);
    expect(() => Reflect.construct(DDIMInverseScheduler, [{ timestepSpacing: "linspace" }])).toThrow(
      'timestepSpacing: expected one of "leading", "trailing", got "linspace"',
    );
    expect(() => new DPMSolverMultistepInverseScheduler({ algorithmType: "sde-dpmsolver++" })).toThrow(
      /algorithmType: "sde-dpmsolver\+\+" adds noise/,
    );
    expect(() => new DPMSolverMultistepInverseScheduler({ useFlowSigmas: true, useKarrasSigmas: true })).toThrow(
      "useKarrasSigmas: its levels are not those of useFlowSigmas",
    );
    const leading = new DPMSolverMultistepInverseScheduler({ timestepSpacing: "leading" });
    expect(() => leading.plan({ numInferenceSteps: 1000 })).toThrow(/fewer than 1000, got 1000/);
    expect(() => leading.plan({ timesteps: [5, 1] })).toThrow(/takes numInferenceSteps only/);
  });
});
