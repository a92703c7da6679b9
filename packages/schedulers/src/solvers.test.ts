import { slice, type Tensor, torchRandom } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import {
  DEISMultistepScheduler,
  DPMSolverMultistepScheduler,
  DPMSolverSDEScheduler,
  DPMSolverSinglestepScheduler,
  IPNDMScheduler,
  KDPM2DiscreteScheduler,
  LMSDiscreteScheduler,
  type Plan,
  restoreState,
  SASolverScheduler,
  saveState,
  UniPCMultistepScheduler,
} from "./index.js";

const stableDiffusion = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear" } as const;
const steps = { numInferenceSteps: 8 };
const noise = (seed: number): Tensor => torchRandom(seed).normal([2, 3, 4, 5]);

/** The samples of a run whose network always says the same. */
function samples(plan: Plan, seed: number): Tensor[] {
  let state = plan.start(noise(1));
  const random = torchRandom(seed);
  return plan.timesteps.map((_, i) => {
    state = plan.step(state, noise(10 + i), random);
    return state.sample;
  });
}

function distance(a: Tensor, b: Tensor): number {
  return a.data.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b.data[i]!)), 0);
}

describe("the solvers agree where they are one method", () => {
  const sigmaMin = { ...stableDiffusion, finalSigmasType: "sigma_min" } as const;
  const first = new DPMSolverMultistepScheduler({ ...sigmaMin, solverOrder: 1, algorithmType: "dpmsolver" });

  it.each([
    [
      "DPMSolverSinglestep",
      new DPMSolverSinglestepScheduler({ ...sigmaMin, solverOrder: 1, algorithmType: "dpmsolver" }),
    ],
    ["DEIS", new DEISMultistepScheduler({ ...stableDiffusion, solverOrder: 1 })],
    [
      "UniPC without corrector",
      new UniPCMultistepScheduler({
        ...sigmaMin,
        solverOrder: 1,
        predictX0: false,
        disableCorrector: [0, 1, 2, 3, 4, 5, 6, 7],
      }),
    ],
  ])("%s and DPM-Solver of first order", (_, scheduler) => {
    samples(scheduler.plan(steps), 2).forEach((sample, i) => {
      expect(distance(sample, samples(first.plan(steps), 2)[i]!)).toBeLessThan(1e-4);
    });
  });
});

describe("DPMSolverSDEScheduler", () => {
  const options = { ...stableDiffusion, useKarrasSigmas: true };
  const seeded = new DPMSolverSDEScheduler({ ...options, noiseSamplerSeed: [3, 4] }).plan(steps);

  it("draws one seed per image at the first step and no more", () => {
    const plan = new DPMSolverSDEScheduler(options).plan(steps);
    const [random, again] = [torchRandom(5), torchRandom(5)];
    let state = plan.step(plan.start(noise(1)), noise(2), random);
    expect(state.noiseSeeds).toEqual([...again.integers(0, 2 ** 31 - 1, [2]).data]);
    expect(random.save()).toEqual(again.save());
    state = restoreState(JSON.parse(JSON.stringify(saveState(state))));
    expect(plan.step(state, noise(3)).noiseSeeds).toEqual(state.noiseSeeds);
    expect(() => plan.step(plan.start(noise(1)), noise(2))).toThrow(/^random: DPMSolverSDEScheduler draws noise/);
  });

  it("gives an image the same noise alone as in a batch", () => {
    const alone = new DPMSolverSDEScheduler({ ...options, noiseSamplerSeed: [3] }).plan(steps);
    const [first, second] = [noise(1), noise(2)].map((both) => slice(both, 0, 1));
    const batch = seeded.step(seeded.start(noise(1)), noise(2)).sample;
    expect(alone.step(alone.start(first!), second!).sample.data).toEqual(slice(batch, 0, 1).data);
  });

  it("names a seed that fits no batch", () => {
    const plan = new DPMSolverSDEScheduler({ noiseSamplerSeed: [1, 2, 3] }).plan(steps);
    expect(() => plan.step(plan.start(noise(1)), noise(2))).toThrow(
      new RangeError("noiseSamplerSeed: expected one seed, or one for each of 2 images, got 3"),
    );
  });
});

describe("options that do not go together", () => {
  it.each([
    [() => new DPMSolverSinglestepScheduler({ algorithmType: "dpmsolver" }), /finalSigmasType: .* needs "sigma_min"/],
    [() => new DPMSolverSinglestepScheduler({ solverOrder: 4 }), /solverOrder: .* has orders 1 to 3, got 4/],
    [
      () => new DPMSolverSinglestepScheduler({ useFlowSigmas: true }).plan({ timesteps: [5] }),
      "timesteps: useFlowSigmas chooses them; ask for numInferenceSteps",
    ],
    [() => new DEISMultistepScheduler({ solverOrder: 4 }), "solverOrder: expected 1 to 3, got 4"],
    [() => new DEISMultistepScheduler({ predictionType: "flow_prediction" }), /needs useFlowSigmas/],
    [() => new SASolverScheduler({ predictorOrder: 5 }), "predictorOrder: expected 1 to 4, got 5"],
    [() => new SASolverScheduler({ correctorOrder: 0 }), "correctorOrder: expected an integer of at least 1, got 0"],
    [() => new LMSDiscreteScheduler().plan({ ...steps, order: 0 }), "order: expected an integer from 1 to 1000, got 0"],
    [
      () => new LMSDiscreteScheduler().plan({ timesteps: [5] }),
      "timesteps: LMSDiscreteScheduler takes numInferenceSteps",
    ],
    [
      () => new DPMSolverSDEScheduler({ noiseSamplerSeed: -1 }),
      /noiseSamplerSeed: expected an integer from 0 to 2⁵³ − 1/,
    ],
    [
      () => new IPNDMScheduler({ trainedBetas: [0.9, 0.5, 0.1] }).plan(steps),
      "numInferenceSteps: trainedBetas has 2 steps, got 8",
    ],
  ])("%s", (make, message) => {
    expect(make).toThrow(message);
  });

  it("refuses an option by the list of known ones", () => {
    const create = (): unknown => Reflect.construct(DPMSolverSinglestepScheduler, [{ timestepSpacing: "leading" }]);
    expect(create).toThrow(/^timestepSpacing: not an option of DPMSolverSinglestepScheduler, which knows numTrain/);
  });

  it("begins KDPM2 at its first calls only", () => {
    const plan = new KDPM2DiscreteScheduler(stableDiffusion).plan(steps);
    expect(() => plan.step(plan.state(noise(1), 3), noise(2))).toThrow(/KDPM2DiscreteScheduler begins at even steps/);
  });
});

it("keeps a tau function out of the JSON of a config", () => {
  const { config } = new SASolverScheduler({ tauFunc: () => 0.5 });
  expect(config.tau_func).toBeInstanceOf(Function);
  expect(SASolverScheduler.fromConfig(JSON.parse(JSON.stringify(config))).config.tau_func).toBeNull();
});

it("ends UniPC on predicted noise without any, where Diffusers makes NaN", () => {
  const plan = new UniPCMultistepScheduler({ ...stableDiffusion, predictX0: false }).plan(steps);
  expect(samples(plan, 2).at(-1)!.data.every(Number.isFinite)).toBe(true);
});
