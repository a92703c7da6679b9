import type { Tensor } from "@latentkit/core";
import type { Plan, SamplerState } from "@latentkit/schedulers";
import type { Guidance } from "./guidance.js";
import { type GuidedOptions, guided, type Predictor } from "./guided.js";
import { type ReverseOptions, reverseProcess } from "./reverse-process.js";

/** How to denoise. */
export interface DenoiseOptions extends GuidedOptions, ReverseOptions {
  /** s in ε_∅ + s·(ε_c − ε_∅); 1 and less turn guidance off. @default 1 */
  readonly guidanceScale?: number;
  /** A guidance of another kind, in place of `guidanceScale`. */
  readonly guidance?: Guidance | undefined;
}

/**
 * The reverse process with a text-conditional network and guidance: yields the state after every network call, and
 * returns the last one. Leaving the loop ends the run.
 *
 * @throws LatentKitError `"run-failed"` at the first step that gives NaN or infinity.
 * @example
 * ```ts
 * for await (const state of denoise(unet, plan, plan.start(noise), context, { guidanceScale: 7.5, random })) latents = state.sample;
 * ```
 */
export function denoise(
  unet: Predictor,
  plan: Plan,
  from: SamplerState,
  context: Tensor,
  options: DenoiseOptions,
): AsyncGenerator<SamplerState, SamplerState, Tensor | undefined> {
  const { guidanceScale = 1, guidance = guidanceScale } = options;
  const predict = (input: Tensor, timestep: number) => guided(unet, input, timestep, context, guidance, options);
  return reverseProcess(plan, from, predict, options);
}
