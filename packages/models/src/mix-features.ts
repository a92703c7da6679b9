import { contiguous, type Tensor, weightedSum } from "@latentkit/core";

/**
 * Features of several T2I-Adapters as one set, each times its weight (Diffusers' `MultiAdapter`); of one adapter, its
 * features times a weight.
 *
 * @param features what each adapter's `features` gave.
 * @param weights one for each adapter. @default the same for all, 1 together
 * @throws RangeError when there is none, for another number of weights, or when the features differ in number or shape.
 * @example
 * ```ts
 * const half = mixFeatures([await adapter.features(condition)], [0.5]);
 * const noise = await unet.predict(latents, 999, context, { downIntraResiduals: half });
 * ```
 */
export function mixFeatures(
  features: readonly (readonly Tensor[])[],
  weights: readonly number[] = features.map(() => 1 / features.length),
): Tensor[] {
  const [first] = features;
  if (!first) throw new RangeError("features: expected those of at least one adapter, got none");
  if (weights.length !== features.length || !weights.every(Number.isFinite))
    throw new RangeError(`weights: expected ${features.length} finite numbers, got ${weights.join(", ")}`);
  const odd = features.find(({ length }) => length !== first.length);
  if (odd) throw new RangeError(`features: expected ${first.length} of each adapter, got ${odd.length}`);
  return first.map((_, i) => weightedSum(features.map((set, k) => [weights[k]!, contiguous(set[i]!)])));
}
