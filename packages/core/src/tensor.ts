import type { NdArray } from "ndarray";
import { contiguousStride, ndarray } from "./ndarray.js";
import { isRemote } from "./remote-tensor.js";

/** Axis lengths, outermost first; pictures and latents are `[batch, channels, height, width]`. */
export type Shape = readonly number[];

/** A C-contiguous float32 array of any rank. */
export type Tensor = NdArray<Float32Array>;

/** Token ids `[batch, length]`. */
export type TokenIds = NdArray<Int32Array>;

/** How many values a shape holds. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((size, length) => size * length, 1);
}

/**
 * Puts a shape on values, without a copy.
 *
 * @throws RangeError when the shape does not hold exactly `data.length` values.
 * @example
 * ```ts
 * const latents = tensor(new Float32Array(4 * 8 * 16), [1, 4, 8, 16]);
 * ```
 */
export function tensor(data: Float32Array, shape: Shape): Tensor {
  checkShape(data.length, shape);
  return ndarray(data, shape);
}

/** Puts a shape on token ids, without a copy. */
export function tokenIds(data: Int32Array, shape: Shape): TokenIds {
  checkShape(data.length, shape);
  return ndarray(data, shape);
}

/** A tensor of zeros. */
export function zeros(shape: Shape): Tensor {
  return tensor(new Float32Array(sizeOf(shape)), shape);
}

function checkShape(length: number, shape: Shape): void {
  if (!shape.every((axis) => Number.isInteger(axis) && axis >= 0)) {
    throw new RangeError(`shape: expected non-negative integers, got [${shape.join(", ")}]`);
  }
  if (sizeOf(shape) !== length) {
    throw new RangeError(`shape: [${shape.join(", ")}] holds ${sizeOf(shape)} values, got ${length}`);
  }
}

/** Whether an array's values lie in C order, from 0, with nothing after them. */
export function isContiguous({
  shape,
  stride,
  offset,
  data,
}: {
  readonly shape: Shape;
  readonly stride: readonly number[];
  readonly offset: number;
  readonly data: ArrayLike<unknown>;
}): boolean {
  const expected = contiguousStride(shape);
  const strides = shape.every((length, axis) => length === 1 || stride[axis] === expected[axis]);
  return strides && offset === 0 && data.length === sizeOf(shape);
}

/**
 * The same values in C order, starting at 0: what every function of this library expects and returns.
 * Already contiguous arrays come back as they are; views (transposes, slices, steps) are copied.
 */
export function contiguous(view: Tensor): Tensor {
  if (isRemote(view) || isContiguous(view)) return view;
  const { shape, stride, offset, data } = view;
  const out = new Float32Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0, at = offset; i < out.length; i++) {
    out[i] = data[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += stride[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= stride[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return tensor(out, shape);
}

type Axes<Pattern extends string> = Pattern extends `${infer First} ${infer Rest}`
  ? Axes<First> | Axes<Rest>
  : Pattern extends `${number}`
    ? never
    : Pattern;

/**
 * Reads axes by name, or throws: `dims(latents, "B 4 H W", "latents")` is `{ B, H, W }`.
 * A number in the pattern is a demand.
 *
 * @throws RangeError naming `what`, the shape expected and the shape found.
 * @example
 * ```ts
 * const { H, W } = dims(tensor(new Float32Array(12), [1, 3, 2, 2]), "B 3 H W", "image");
 * ```
 */
export function dims<const Pattern extends string>(
  value: { readonly shape: Shape },
  pattern: Pattern,
  what: string,
): Record<Axes<Pattern>, number> {
  const axes = pattern.split(" ");
  const { shape } = value;
  const matches =
    axes.length === shape.length && axes.every((axis, i) => Number.isNaN(Number(axis)) || Number(axis) === shape[i]);
  if (!matches) throw new RangeError(`${what}: expected shape [${axes.join(", ")}], got [${shape.join(", ")}]`);
  const named = axes.flatMap((axis, i) => (Number.isNaN(Number(axis)) ? [[axis, shape[i]]] : []));
  return Object.fromEntries(named);
}

/** @throws RangeError unless both shapes are equal. */
export function checkSameShape(a: { readonly shape: Shape }, b: { readonly shape: Shape }, what: string): void {
  if (a.shape.length !== b.shape.length || a.shape.some((length, axis) => length !== b.shape[axis])) {
    throw new RangeError(`${what}: expected shape [${a.shape.join(", ")}], got [${b.shape.join(", ")}]`);
  }
}
