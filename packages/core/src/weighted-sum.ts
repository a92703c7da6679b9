import { isRemote, remoteSum } from "./remote-tensor.js";
import { checkSameShape, type Tensor, tensor } from "./tensor.js";

/** A factor and the tensor it scales. */
export type Term = readonly [weight: number, value: Tensor];

/**
 * `w₀·x₀ + w₁·x₁ + …` of tensors of one shape, the one arithmetic operation of every linear sampler.
 * Sums in double precision and rounds once. Where a tensor is remote, so is the sum.
 *
 * @throws RangeError when there is no term or the shapes differ.
 * @example
 * ```ts
 * const noised = weightedSum([[Math.sqrt(0.9), latents], [Math.sqrt(0.1), noise]]);
 * ```
 */
export function weightedSum(terms: readonly Term[]): Tensor {
  const [first, ...rest] = terms;
  if (!first) throw new RangeError("terms: expected at least one [weight, tensor], got none");
  for (const [, value] of rest) checkSameShape(first[1], value, "terms");
  if (terms.some(([, value]) => isRemote(value))) return remoteSum(terms);
  const out = new Float32Array(first[1].data.length);
  const weights = terms.map(([weight]) => weight);
  const values = terms.map(([, { data }]) => data);
  (kernels[terms.length] ?? many)(out, weights, values);
  return tensor(out, first[1].shape);
}

type Kernel = (out: Float32Array, weights: readonly number[], values: readonly Float32Array[]) => void;

// written out for the usual lengths: a loop over terms inside takes two to three times as long
const kernels: readonly (Kernel | undefined)[] = [
  undefined,
  (out, [a = 0], [x = out]) => {
    for (let i = 0; i < out.length; i++) out[i] = a * x[i]!;
  },
  (out, [a = 0, b = 0], [x = out, y = out]) => {
    for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]!;
  },
  (out, [a = 0, b = 0, c = 0], [x = out, y = out, z = out]) => {
    for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]! + c * z[i]!;
  },
  (out, [a = 0, b = 0, c = 0, d = 0], [x = out, y = out, z = out, u = out]) => {
    for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]! + c * z[i]! + d * u[i]!;
  },
];

/** Values that are summed at a time, so that the sums stay in the processor's nearest cache. */
const blockSize = 1024;

const many: Kernel = (out, weights, values) => {
  const sums = new Float64Array(blockSize);
  for (let start = 0; start < out.length; start += blockSize) {
    const size = Math.min(blockSize, out.length - start);
    sums.fill(0);
    for (let k = 0; k < values.length; k++) {
      const [weight, value] = [weights[k]!, values[k]!];
      for (let i = 0; i < size; i++) sums[i]! += weight * value[start + i]!;
    }
    for (let i = 0; i < size; i++) out[start + i] = sums[i]!;
  }
};
