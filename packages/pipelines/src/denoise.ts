import type { Tensor } from "@latentkit/core";
import type { Plan, SamplerState } from "@latentkit/schedulers";
import type { DeepCacheOptions, ReuseOptions } from "./deep-cache-options.js";
import { type Guidance, isSumOfPredictions, rescaled } from "./guidance.js";
import { type GuidedOptions, guided, type Predictor } from "./guided.js";
import type { Run } from "./intercept.js";
import { type ReverseOptions, reverseProcess } from "./reverse-process.js";

/** How to denoise. */
export interface DenoiseOptions extends GuidedOptions, ReverseOptions, ReuseOptions {
  /** s in ε_∅ + s·(ε_c − ε_∅); 1 and less turn guidance off. @default 1 */
  readonly guidanceScale?: number;
  /** A guidance of another kind, in place of `guidanceScale`. */
  readonly guidance?: Guidance | undefined;
  /**
   * Whether the states that are yielded may have remote tensors, which `localTensor` reads as long as the run has not gone
   * on. Then latents stay on a GPU between two steps, where sampler and guidance allow it: nothing is read back. What
   * is returned has its sample here, and nothing else; that it holds NaN or infinity is told of at the end. @default false
   */
  readonly remoteStates?: boolean | undefined;
}

/** The same with one guidance, whatever it was told by. */
export interface SettledOptions extends DenoiseOptions {
  readonly guidance: Guidance;
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
  const { guidanceScale = 1, guidanceRescale = 0, deepCache } = options;
  const { guidance = rescaled(guidanceScale, guidanceRescale) } = options;
  const settled = { ...options, guidance };
  const local = (network: (call: number) => Predictor = () => unet) => {
    const predict = (input: Tensor, timestep: number, { index }: SamplerState) =>
      guided(network(index - from.index), input, timestep, context, guidance, options);
    return reverseProcess(plan, from, predict, options);
  };
  if (deepCache) return withReuse(unet, plan, from, { ...options, deepCache }, local);
  return mayStayRemote(unet, settled) ? whereItCan(unet, plan, from, context, settled, local) : local();
}

/** The run with some of the network's work taken over from call to call. */
async function* withReuse(
  unet: Predictor,
  plan: Plan,
  from: SamplerState,
  { deepCache, until = plan.timesteps.length }: DenoiseOptions & { readonly deepCache: DeepCacheOptions },
  local: (network: (call: number) => Predictor) => Run,
): Run {
  const { deepCached } = await import("./deep-cache.js");
  return yield* local(deepCached(unet, deepCache, until - from.index));
}

/** Whether nobody looks at the latents between two steps, so that they may stay where the network is. */
function mayStayRemote(
  { device }: Predictor,
  { remoteStates = false, sequential = false, guidance }: SettledOptions,
): boolean {
  return device !== undefined && remoteStates && !sequential && isSumOfPredictions(guidance);
}

/** The run with its latents on the network's device, or the other one where device or sampler cannot do that. */
async function* whereItCan(
  unet: Predictor,
  plan: Plan,
  from: SamplerState,
  context: Tensor,
  options: SettledOptions,
  local: () => Run,
): Run {
  const { remoteProcess, remoteRun } = await import("./remote-run.js");
  const remote = await remoteRun(unet, plan, from, context, options);
  return yield* remote ? remoteProcess(remote, from, options) : local();
}
