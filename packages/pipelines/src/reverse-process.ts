import { checkSameShape, contiguous, LatentKitError, type RandomSource, type Tensor } from "@latentkit/core";
import type { Plan, SamplerState } from "@latentkit/schedulers";

/** How to run a sampler. */
export interface ReverseOptions {
  /** Where samplers that add noise draw it. */
  readonly random: RandomSource;
  /** Ends the run between two steps. */
  readonly signal?: AbortSignal | undefined;
  /** The first step that is not made any more. @default the plan's end */
  readonly until?: number | undefined;
}

/** What a network predicts for its scaled input at a timestep. */
export type Prediction = (input: Tensor, timestep: number, state: SamplerState) => Promise<Tensor>;

/**
 * The reverse process (Ho et al. 2020, algorithm 2) with any sampler and any network: yields the state after every
 * network call, and returns the last one. Leaving the loop ends the run; a sample handed to `next` takes the place of
 * the state's own.
 *
 * @throws LatentKitError `"run-failed"` at the first step that gives NaN or infinity.
 * @example
 * ```ts
 * const run = reverseProcess(plan, plan.start(noise), (input, t) => guided(unet, input, t, context, 7.5), { random });
 * for await (const state of run) latents = state.sample;
 * ```
 */
export async function* reverseProcess(
  plan: Plan,
  from: SamplerState,
  predict: Prediction,
  { random, signal, until = plan.timesteps.length }: ReverseOptions,
): AsyncGenerator<SamplerState, SamplerState, Tensor | undefined> {
  let state = from;
  for (const timestep of plan.timesteps.slice(from.index, until)) {
    signal?.throwIfAborted();
    state = plan.step(state, await predict(plan.scaleModelInput(state), timestep, state), random);
    checkFinite(state, timestep);
    const changed = yield state;
    if (changed) state = withSample(state, changed);
  }
  signal?.throwIfAborted();
  return state;
}

/** The same state with a sample of the caller's. @throws RangeError for one of another shape. */
export function withSample(state: SamplerState, sample: Tensor): SamplerState {
  checkSameShape(state.sample, sample, "latents");
  return { ...state, sample: contiguous(sample) };
}

/** @throws LatentKitError `"run-failed"` for a sample with NaN or infinity. */
export function checkFinite({ sample }: SamplerState, timestep: number): void {
  if (sample.data.every(Number.isFinite)) return;
  throw new LatentKitError(
    "run-failed",
    `the latents became NaN or infinite at timestep ${timestep}: check the inputs, and try another scheduler or dtype: "fp32"`,
  );
}
