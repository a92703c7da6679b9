import { checkSameShape, contiguous, type RandomSource, type Tensor, weightedSum } from "@latentkit/core";
import type { PlanRequest } from "./plan-request.js";
import type { Level } from "./prediction.js";
import type { Plan, SamplerState } from "./scheduler.js";
import { splitChannels } from "./split-channels.js";

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
  /** The second half of the network's channels is a variance, which `step` gets apart from the prediction. */
  readonly learnsVariance?: boolean;
  /** The samples grow noisier: `strength` keeps the first levels, not the last. */
  readonly ascending?: boolean;
  /** The update rule. */
  step(state: SamplerState, output: Tensor, at: number, draw: Draw, variance?: Tensor): Advance;
}

/** Unit noise of the sample's shape. */
export interface Draw {
  (): Tensor;
  /** An integer below 2³¹ − 1 for each item of the batch, for methods that seed streams of their own. */
  seeds(): readonly number[];
}

/** The plumbing that all plans share: where a run begins, index and shape checks, frozen values. */
export function planOf(
  sampler: Sampler,
  { count, strength, checkFinite = false }: Pick<PlanRequest, "count" | "strength"> & Partial<PlanRequest>,
): Plan {
  const { order = 1, initNoiseSigma = 1, sigmas } = sampler;
  const skipped = skippedLevels(count, strength) * order;
  const [begin, end] = sampler.ascending ? [0, sampler.timesteps.length - skipped] : [skipped, undefined];
  const timesteps = Object.freeze(sampler.timesteps.slice(begin, end));
  const state = (sample: Tensor, index = 0): SamplerState => {
    checkIndex(index, timesteps.length);
    return Object.freeze({ index, sample: contiguous(sample), history: [] });
  };
  const addNoise = (latents: Tensor, noise: Tensor, index: number): Tensor => {
    checkIndex(index, timesteps.length);
    checkSameShape(latents, noise, "noise");
    const { alpha, sigma } = sampler.level(begin + index);
    return weightedSum([
      [alpha, contiguous(latents)],
      [sigma, contiguous(noise)],
    ]);
  };
  return Object.freeze<Plan>({
    timesteps,
    ...(sigmas && { sigmas: Object.freeze(sigmas.slice(begin, end && end + 1)) }),
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
      const output = contiguous(modelOutput);
      if (checkFinite) checkValues(output);
      const { mean, variance } = partsOf(output, before.sample, sampler.learnsVariance);
      const next = sampler.step(
        before,
        mean,
        begin + before.index,
        drawFrom(random, before.sample, sampler.name),
        variance,
      );
      return Object.freeze({ history: [], ...next, index: before.index + 1 });
    },
  });
}

function scaled(value: Tensor, factor: number): Tensor {
  return factor === 1 ? value : weightedSum([[factor, value]]);
}

/** The prediction and, where the network learns one, the variance. */
function partsOf(output: Tensor, sample: Tensor, learnsVariance = false): { mean: Tensor; variance?: Tensor } {
  if (learnsVariance) return splitChannels(output, sample);
  checkSameShape(sample, output, "modelOutput");
  return { mean: output };
}

function checkValues({ data }: Tensor): void {
  const stray = data.find((value) => !Number.isFinite(value));
  if (stray !== undefined) throw new RangeError(`modelOutput: expected finite numbers, got ${stray}`);
}

/** Levels that `strength` skips, as Diffusers' image-to-image pipelines count them. */
function skippedLevels(count: number, strength: number): number {
  const kept = Math.min(Math.floor(count * strength), count);
  if (kept > 0) return count - kept;
  throw new RangeError(`strength: ${strength} of ${count} steps leaves none; expected at least ${1 / count}`);
}

function checkIndex(index: number, length: number): void {
  if (Number.isInteger(index) && index >= 0 && index < length) return;
  throw new RangeError(`index: expected an integer from 0 to ${length - 1}, the plan's steps, got ${index}`);
}

function drawFrom(random: RandomSource | undefined, { shape }: Tensor, name: string): Draw {
  const source = (): RandomSource => {
    if (random) return random;
    throw new TypeError(`random: ${name} draws noise at this step; pass a RandomSource, got undefined`);
  };
  return Object.assign(() => source().normal(shape), {
    seeds: () => [...source().integers(0, 2 ** 31 - 1, shape.slice(0, 1)).data],
  });
}
