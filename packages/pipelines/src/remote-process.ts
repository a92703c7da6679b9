import { localTensor, type Tensor } from "@latentkit/core";
import type { TensorDevice } from "@latentkit/models";
import { isFailure } from "@latentkit/runtime";
import type { Plan, SamplerState } from "@latentkit/schedulers";
import type { Run } from "./intercept.js";
import { remoteSteps, type StepInputs, withTensors } from "./remote-steps.js";
import { replayable } from "./replayable.js";
import { checkFinite, type ReverseOptions, withSample } from "./reverse-process.js";

/** A run whose latents stay on the device of its network. */
export interface RemoteRun {
  readonly device: TensorDevice;
  readonly plan: Plan;
  /** How many predictions a step makes at once. */
  readonly parts: number;
  /** What the network predicts, by sums of tensors on its device, of which it tells those that it made. */
  predict(inputs: StepInputs, timestep: number, made: (value: Tensor) => void): Promise<Tensor>;
}

/**
 * The reverse process with latents that stay on the device between two steps: the states that it yields have remote
 * tensors, which are gone at the next one. When the device is lost, or a run on it fails, the steps since the last state
 * that is here are made again, with the same noise, and those that were yielded are not yielded again.
 *
 * @throws LatentKitError `"run-failed"` when the last sample holds NaN or infinity.
 */
export async function* remoteProcess(run: RemoteRun, from: SamplerState, options: ReverseOptions): Run {
  const { random, signal, until = run.plan.timesteps.length } = options;
  const noise = replayable(random);
  let origin = from;
  let shown = from.index;
  let hasFailed = false;
  while (origin.index < until) {
    try {
      for await (const state of remoteSteps(run, origin, { random: noise.random, signal, until })) {
        if (state.index <= shown) continue;
        hasFailed = false;
        shown = state.index;
        const changed = yield state;
        if (!changed && state.index < until) continue;
        origin = changed ? withSample(await localState(state), changed) : await finalState(state);
        noise.forget();
        break;
      }
    } catch (error) {
      if (hasFailed || !isFailure(error)) throw error;
      hasFailed = true;
      noise.rewind();
    }
  }
  signal?.throwIfAborted();
  checkFinite(origin, run.plan.timesteps[until - 1] ?? 0);
  return origin;
}

/** The last state, of which the sample is all that anyone needs. */
async function finalState({ index, sample }: SamplerState): Promise<SamplerState> {
  return { index, sample: await localTensor(sample), history: [] };
}

/** A state with all its tensors here. */
async function localState(state: SamplerState): Promise<SamplerState> {
  const { sample, predOriginalSample, base, partial, history } = state;
  const here = new Map<Tensor, Tensor>();
  for (const value of [sample, predOriginalSample, base, partial, ...history])
    if (value) here.set(value, await localTensor(value));
  return withTensors(state, (value) => here.get(value) ?? value);
}
