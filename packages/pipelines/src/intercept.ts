import type { Tensor } from "@latentkit/core";
import type { SamplerState } from "@latentkit/schedulers";

/** A run as `denoise` and `reverseProcess` make it. */
export type Run = AsyncGenerator<SamplerState, SamplerState, Tensor | undefined>;

/**
 * A run with each state changed before it is seen: the next step begins from the changed sample. One that is handed to
 * `next` takes its place, as in any run.
 *
 * @example
 * ```ts
 * const run = intercept(denoise(unet, plan, plan.start(noise), context, { guidanceScale: 7.5, random }), (state) => state);
 * for await (const state of run) latents = state.sample;
 * ```
 */
export async function* intercept(run: Run, change: (state: SamplerState) => SamplerState): Run {
  let next = await run.next();
  try {
    while (!next.done) {
      const state = change(next.value);
      next = await run.next((yield state) ?? state.sample);
    }
    return next.value;
  } finally {
    // whoever leaves the loop leaves the run inside too
    if (!next.done) await run.return(next.value);
  }
}
