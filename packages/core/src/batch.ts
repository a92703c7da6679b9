import { type Shape, sizeOf, type Tensor, tensor } from "./tensor.js";

const itemShape = (shape: Shape): Shape => shape.slice(1);

/**
 * Joins tensors along the batch axis.
 *
 * @throws RangeError when there is none, or when two differ in another axis.
 */
export function concat(values: readonly Tensor[]): Tensor {
  const [first] = values;
  if (!first) throw new RangeError("values: expected at least one tensor, got none");
  const item = itemShape(first.shape);
  for (const { shape } of values) {
    if (itemShape(shape).join() !== item.join()) {
      throw new RangeError(`values: expected shape [N, ${item.join(", ")}], got [${shape.join(", ")}]`);
    }
  }
  const batch = values.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const data = new Float32Array(batch * sizeOf(item));
  let at = 0;
  for (const value of values) {
    data.set(value.data, at);
    at += value.data.length;
  }
  return tensor(data, [batch, ...item]);
}

/** Items `from` up to `to` (exclusive) of the batch axis, as a view of the same memory. */
export function slice(value: Tensor, from: number, to: number): Tensor {
  const item = itemShape(value.shape);
  const size = sizeOf(item);
  return tensor(value.data.subarray(from * size, to * size), [to - from, ...item]);
}

/**
 * Cuts the batch axis into `parts` equal tensors, as views of the same memory.
 *
 * @throws RangeError when the batch does not divide.
 */
export function split(value: Tensor, parts: number): Tensor[] {
  const size = value.shape[0]! / parts;
  if (!(Number.isInteger(size) && Number.isInteger(parts) && parts > 0)) {
    throw new RangeError(`parts: ${parts} does not divide the batch of ${value.shape[0]}`);
  }
  return Array.from({ length: parts }, (_, i) => slice(value, i * size, (i + 1) * size));
}

/** Repeats each item of the batch `times` times in place: a, b → a, a, b, b. */
export function repeatInterleave(value: Tensor, times: number): Tensor {
  if (times === 1) return value;
  const items = split(value, value.shape[0]!);
  return concat(items.flatMap((item) => Array.from({ length: times }, () => item)));
}
