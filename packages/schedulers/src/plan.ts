import { checkSameShape, contiguous, type RandomSource, type Tensor, weightedSum } from "@latentkit/core";
import type { Level } from "./prediction.js";
import type { Plan, SamplerState } from "./scheduler.js";

/** What a step hands over to the next state. */
export type Advance = Omit<SamplerState, "index" | "history"> & { readonly history?: readonly Tensor[] };

/**
 * One class's part of a run. `at` counts all visited levels; `state.index` counts from where the run begins,
 * which is later when `strength` is below 1.
 */
export interface Sampler {
  readonly name: string;
  readonly timesteps: readonly number[];
  /** One more than the timesteps. */
  readonly sigmas?: readonly number[];
  /** @default 1 */
  readonly initNoiseSigma?: number;
  /** Network calls per level. @default 1 */
  readonly order?: number;
  /** How much signal and noise a sample holds there. */
  level(at: number): Level;
  /** Factor from sample to network input. @default 1 */
  inputScale?(at: number): number;
  /** The part of a network output that is the prediction, for networks that also learn a variance. */
  mean?(output: Tensor): Tensor;
  /** The update rule; `draw` gives unit noise of the sample's shape. */
  step(state: SamplerState, output: Tensor, at: number, draw: () => Tensor): Advance;
}

/** The plumbing that all plans share: where a run begins, index and shape checks, frozen values. */
export function planOf(
  sampler: Sampler,
  { count, strength }: { readonly count: number; readonly strength: number },
): Plan {
  const { order = 1, initNoiseSigma = 1, sigmas } = sampler;
  const begin = firstLevel(count, strength) * order;
  const timesteps = Object.freeze(sampler.timesteps.slice(begin));
  const state = (sample: Tensor, index = 0): SamplerState => {
    checkIndex(index, timesteps.length);
    return Object.freeze({ index, sample: contiguous(sample), history: [] });
  };
  const addNoise = (latents: Tensor, noise: Tensor, index: number): Tensor => {
    checkIndex(index, timesteps.length);
    const { alpha, sigma } = sampler.level(begin + index);
    return weightedSum([
      [alpha, contiguous(latents)],
      [sigma, contiguous(noise)],
    ]);
  };
  return Object.freeze<Plan>({
    timesteps,
    ...(sigmas && { sigmas: Object.freeze(sigmas.slice(begin)) }),
    initNoiseSigma,
    order,
    start: (noise) => state(scaled(contiguous(noise), initNoiseSigma)),
    startFrom: (latents, noise) => state(addNoise(latents, noise, 0)),
    state,
    addNoise,
    scaleModelInput: ({ index, sample }) => {
      checkIndex(index, timesteps.length);
      return scaled(sample, sampler.inputScale?.(begin + index) ?? 1);
    },
    step(before, modelOutput, random) {
      checkIndex(before.index, timesteps.length);
      const output = contiguous(sampler.mean?.(modelOutput) ?? modelOutput);
      checkSameShape(before.sample, output, "modelOutput");
      const draw = (): Tensor => noiseFor(before.sample, random, sampler.name);
      const next = sampler.step(before, output, begin + before.index, draw);
      return Object.freeze({ history: [], ...next, index: before.index + 1 });
    },
  });
}

function scaled(value: Tensor, factor: number): Tensor {
  return factor === 1 ? value : weightedSum([[factor, value]]);
}

/** Levels that `strength` skips, as Diffusers' image-to-image pipelines count them. */
function firstLevel(count: number, strength: number): number {
  const kept = Math.min(Math.floor(count * strength), count);
  if (kept > 0) return count - kept;
  throw new RangeError(`strength: ${strength} of ${count} steps leaves none; expected at least ${1 / count}`);
}

function checkIndex(index: number, length: number): void {
  if (Number.isInteger(index) && index >= 0 && index < length) return;
  throw new RangeError(`index: expected an integer from 0 to ${length - 1}, the plan's steps, got ${index}`);
}

function noiseFor({ shape }: Tensor, random: RandomSource | undefined, name: string): Tensor {
  if (random) return random.normal(shape);
  throw new TypeError(`random: ${name} draws noise at this step; pass a RandomSource, got undefined`);
}
