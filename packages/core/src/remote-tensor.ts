import { ndarray } from "./ndarray.js";
import { type Shape, sizeOf, type Tensor, tensor } from "./tensor.js";
import type { Term } from "./weighted-sum.js";

/** Somebody looked at the values of a tensor that are not here. */
export class RemoteValuesError extends Error {
  override readonly name = "RemoteValuesError";
}

/** Where the values of a tensor are: on another device, or not computed yet, as a sum of such tensors. */
type Origin = { readonly read: () => Promise<Float32Array> } | { readonly terms: readonly Term[] };

const origins = new WeakMap<Tensor, Origin>();

/**
 * A tensor whose values are on another device. Of such tensors `weightedSum` makes others, so that whatever is written
 * with it alone works on them; looking at `data` throws.
 *
 * @param read fetches the values, `sizeOf(shape)` of them.
 * @example
 * ```ts
 * const latents = remoteTensor([1, 4, 8, 16], async () => new Float32Array(512));
 * (await localTensor(latents)).data.length; // 512
 * ```
 */
export function remoteTensor(shape: Shape, read: () => Promise<Float32Array>): Tensor {
  return withOrigin(shape, { read });
}

/** The sum of tensors some of which are remote, as the terms that it comes down to: each tensor once. */
export function remoteSum(terms: readonly Term[]): Tensor {
  const weights = new Map<Tensor, number>();
  for (const [weight, value] of terms)
    for (const [inner, leaf] of remoteTerms(value)) weights.set(leaf, (weights.get(leaf) ?? 0) + weight * inner);
  const [, first] = terms[0]!;
  return withOrigin(first.shape, { terms: [...weights].map(([leaf, weight]): Term => [weight, leaf]) });
}

/** Whether a tensor's values are not here. */
export function isRemote(value: Tensor): boolean {
  return origins.has(value);
}

/** What a tensor is the sum of; one that is no sum, of itself. */
export function remoteTerms(value: Tensor): readonly Term[] {
  const origin = origins.get(value);
  return origin && "terms" in origin ? origin.terms : [[1, value]];
}

/**
 * The tensor with its values here.
 *
 * @throws RemoteValuesError for a sum that was not computed.
 */
export async function localTensor(value: Tensor): Promise<Tensor> {
  const origin = origins.get(value);
  if (!origin) return value;
  if ("terms" in origin) throw new RemoteValuesError("a sum of tensors on another device: compute it there first");
  return tensor(await origin.read(), value.shape);
}

function withOrigin(shape: Shape, origin: Origin): Tensor {
  const value = ndarray(new Float32Array(0), shape);
  Object.defineProperty(value, "data", { get: () => refuse(shape) });
  origins.set(value, origin);
  return value;
}

function refuse(shape: Shape): never {
  throw new RemoteValuesError(
    `the ${sizeOf(shape)} values of this tensor are on another device: read them with localTensor`,
  );
}
