import { checkSameShape, type Tensor, tensor } from "./tensor.js";

/** A factor and the tensor it scales. */
export type Term = readonly [weight: number, value: Tensor];

/**
 * `w₀·x₀ + w₁·x₁ + …` of tensors of one shape, the one arithmetic operation of every linear sampler.
 * Sums in double precision and rounds once.
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
  // plain loops: TypedArray.from goes through an iterator and is ten times slower
  const sum = new Float64Array(first[1].data);
  for (let i = 0; i < sum.length; i++) sum[i]! *= first[0];
  for (const [weight, { data }] of rest) {
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * data[i]!;
  }
  return tensor(new Float32Array(sum), first[1].shape);
}
