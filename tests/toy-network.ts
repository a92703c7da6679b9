import { type RandomSource, type Tensor, tensor, torchRandom } from "@latentkit/core";
import type { Plan, SamplerState } from "@latentkit/schedulers";

// What Diffusers' own tests (tests/schedulers/test_schedulers.py) run whole loops with: the network x · t / (t + 1), and
// samples 0, 1/768, … laid out [3, 8, 8, 4] and read as [4, 3, 8, 8]

const shape = [4, 3, 8, 8];
const size = 768;

const counting = (value: (i: number) => number): Tensor =>
  tensor(
    Float32Array.from({ length: size }, (_, i) => value((i % 192) * 4 + Math.floor(i / 192)) / size),
    shape,
  );

/** Diffusers' `dummy_sample_deter`. */
export const toySample: Tensor = counting((i) => i);
/** Diffusers' `dummy_noise_deter`. */
export const toyNoise: Tensor = counting((i) => size - 1 - i);

const network = ({ data }: Tensor, t: number): Tensor =>
  tensor(
    data.map((x) => (x * t) / (t + 1)),
    shape,
  );

/** One run to its end. `scaled`: the tests of the σ classes hand the scaled input to `step` as well. */
export function toyRun(
  plan: Plan,
  start: SamplerState,
  { scaled }: { scaled: boolean } = { scaled: false },
): SamplerState {
  const random: RandomSource = torchRandom(0);
  let state = start;
  for (const t of plan.timesteps) {
    const input = plan.scaleModelInput(state);
    state = plan.step(scaled ? { ...state, sample: input } : state, network(input, t), random);
  }
  return state;
}

/** Sum and mean of |x|, which those tests assert. */
export function magnitudes({ sample: { data } }: SamplerState): { sum: number; mean: number } {
  const sum = data.reduce((total, x) => total + Math.abs(x), 0);
  return { sum, mean: sum / size };
}
