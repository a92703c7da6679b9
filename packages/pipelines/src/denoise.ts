import { LatentKitError, type RandomSource, type Tensor } from "@latentkit/core";
import type { UNet2DConditionModel } from "@latentkit/models";
import type { Plan, SamplerState } from "@latentkit/schedulers";
import { type GuidedOptions, guided } from "./guided.js";

/** How to denoise. */
export interface DenoiseOptions extends GuidedOptions {
  /** s in ε_∅ + s·(ε_c − ε_∅); 1 and less turn guidance off. */
  readonly guidanceScale: number;
  /** Where samplers that add noise draw it. */
  readonly random: RandomSource;
  /** Ends the run between two steps. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The reverse process (Ho et al. 2020, algorithm 2) with any sampler: yields the state after every network call.
 * Leaving the loop ends the run.
 *
 * @throws LatentKitError `"run-failed"` at the first step that gives NaN or infinity.
 * @example
 * ```ts
 * for await (const state of denoise(unet, plan, plan.start(noise), context, { guidanceScale: 7.5, random })) latents = state.sample;
 * ```
 */
export async function* denoise(
  unet: Pick<UNet2DConditionModel, "predict">,
  plan: Plan,
  from: SamplerState,
  context: Tensor,
  options: DenoiseOptions,
): AsyncGenerator<SamplerState, void, undefined> {
  let state = from;
  for (const timestep of plan.timesteps.slice(from.index)) {
    options.signal?.throwIfAborted();
    const noise = await guided(unet, plan.scaleModelInput(state), timestep, context, options.guidanceScale, options);
    state = plan.step(state, noise, options.random);
    checkFinite(state, timestep);
    yield state;
  }
  options.signal?.throwIfAborted();
}

function checkFinite({ sample }: SamplerState, timestep: number): void {
  if (sample.data.every(Number.isFinite)) return;
  throw new LatentKitError(
    "run-failed",
    `the latents became NaN or infinite at timestep ${timestep}: check the inputs, and try another scheduler or dtype: "fp32"`,
  );
}
