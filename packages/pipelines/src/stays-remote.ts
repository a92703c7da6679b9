import { ndarray, type RandomSource, remoteTensor, sizeOf, type Tensor, zeros } from "@latentkit/core";
import type { Plan, SamplerState } from "@latentkit/schedulers";
import { withTensors } from "./remote-steps.js";

/**
 * Whether the steps of a plan are sums of tensors, which can be computed elsewhere: those that clip their prediction look
 * at its values. It is found by making the steps with tensors that have none.
 */
export function staysRemote(plan: Plan, from: SamplerState, until: number): boolean {
  const blank = (value: Tensor) => remoteTensor(value.shape, async () => new Float32Array(sizeOf(value.shape)));
  let state = withTensors(from, blank);
  try {
    while (state.index < until) {
      plan.scaleModelInput(state);
      state = withTensors(plan.step(state, blank(from.sample), silent), blank);
    }
    return true;
  } catch {
    // whatever is wrong shows where it is computed
    return false;
  }
}

/** Draws nothing but zeros. */
const silent: RandomSource = {
  normal: zeros,
  uniform: zeros,
  integers: (_low, _high, shape) => ndarray(new Int32Array(sizeOf(shape)), shape),
  save: () => undefined,
};
