import { concat, split } from "./batch.js";
import { contiguous, dims, type Tensor, tensor } from "./tensor.js";

/**
 * Joins tensors `[batch, channels, height, width]` along their channels.
 *
 * @throws RangeError when there is none, or when two differ in another axis.
 */
export function concatChannels(values: readonly Tensor[]): Tensor {
  const [first] = values;
  if (!first) throw new RangeError("values: expected at least one tensor, got none");
  const { B, H, W } = dims(first, "B C H W", "values");
  const planes = values.map((value) => {
    const { C } = dims(value, `${B} C ${H} ${W}`, "values");
    return split(tensor(contiguous(value).data, [B * C, H, W]), B);
  });
  const { data, shape } = concat(Array.from({ length: B }, (_, i) => concat(planes.map((items) => items[i]!))));
  return tensor(data, [B, shape[0]! / B, H, W]);
}
