import type { DataType, NdArray, TypedArray, Value } from "ndarray";

/** Arrays of numbers, and of the 64-bit integers that token ids of exported graphs are. */
type Values = TypedArray | BigInt64Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>;

/**
 * An array of any rank over values, without a copy: what the package `ndarray` makes, and all that takes its arrays takes
 * these. That package compiles its accessors, which a page with a strict Content-Security-Policy refuses.
 *
 * @param stride distances between neighbours on each axis; those of C order when left out.
 * @param offset where the first value lies.
 * @example
 * ```ts
 * const rows = ndarray(Int32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
 * rows.transpose(1, 0).get(2, 1); // 6
 * ```
 */
export function ndarray<D extends Values>(
  data: D,
  shape: readonly number[],
  stride: readonly number[] = contiguousStride(shape),
  offset = 0,
): NdArray<D> {
  return new View(data, [...shape], [...stride], offset);
}

/** Row-major distances between neighbours on each axis. */
export function contiguousStride(shape: readonly number[]): number[] {
  const stride = new Array<number>(shape.length);
  shape.reduceRight((step, length, axis) => {
    stride[axis] = step;
    return step * length;
  }, 1);
  return stride;
}

/** One axis of a view. */
interface Axis {
  readonly length: number;
  readonly stride: number;
}

class View<D extends Values> implements NdArray<D> {
  readonly data: D;
  readonly shape: number[];
  readonly stride: number[];
  readonly offset: number;

  constructor(data: D, shape: number[], stride: number[], offset: number) {
    this.data = data;
    this.shape = shape;
    this.stride = stride;
    this.offset = offset;
  }

  get dtype(): DataType<D> {
    const name = this.data[Symbol.toStringTag].replace("Array", "").replace("Clamped", "_clamped");
    return name.toLowerCase() as DataType<D>;
  }

  get dimension(): number {
    return this.shape.length;
  }

  get size(): number {
    return this.shape.reduce((size, length) => size * length, 1);
  }

  /** The axes, that of the nearest neighbours first. */
  get order(): number[] {
    const distance = (axis: number) => Math.abs(this.stride[axis] ?? 0);
    return [...this.shape.keys()].sort((a, b) => distance(a) - distance(b));
  }

  get T(): NdArray<D> {
    return this.transpose(...[...this.shape.keys()].reverse());
  }

  index(...at: number[]): Value<D> {
    return this.#place(at) as Value<D>;
  }

  get(...at: number[]): Value<D> {
    return this.data[this.#place(at)] as Value<D>;
  }

  set(...atAndValue: number[]): Value<D> {
    const value = atAndValue[this.dimension];
    Reflect.set(this.data, this.#place(atAndValue), value);
    return value as Value<D>;
  }

  lo(...from: number[]): NdArray<D> {
    const starts = this.shape.map((_, axis) => Math.max(Math.trunc(from[axis] ?? 0), 0));
    return this.#view(
      this.#axes().map(({ length, stride }, axis) => ({ length: length - starts[axis]!, stride })),
      this.#place(starts),
    );
  }

  hi(...to: number[]): NdArray<D> {
    const end = (axis: number, length: number) => ((to[axis] ?? -1) < 0 ? length : Math.trunc(to[axis]!));
    return this.#view(this.#axes().map(({ length, stride }, axis) => ({ length: end(axis, length), stride })));
  }

  step(...steps: number[]): NdArray<D> {
    const by = this.shape.map((_, axis) => Math.trunc(steps[axis] ?? 1));
    const starts = this.shape.map((length, axis) => (by[axis]! < 0 ? length - 1 : 0));
    const axes = this.#axes().map(({ length, stride }, axis) => ({
      length: Math.ceil(length / Math.abs(by[axis]!)),
      stride: stride * by[axis]!,
    }));
    return this.#view(axes, this.#place(starts));
  }

  transpose(...order: number[]): NdArray<D> {
    const axes = this.#axes();
    return this.#view(axes.map((_, axis) => axes[order[axis] ?? axis]!));
  }

  pick(...at: (number | null)[]): NdArray<D> {
    const isPicked = (axis: number) => (at[axis] ?? -1) >= 0;
    const starts = this.shape.map((_, axis) => (isPicked(axis) ? at[axis]! : 0));
    return this.#view(
      this.#axes().filter((_, axis) => !isPicked(axis)),
      this.#place(starts),
    );
  }

  #place(at: readonly number[]): number {
    return this.stride.reduce((place, stride, axis) => place + stride * at[axis]!, this.offset);
  }

  #axes(): Axis[] {
    return this.shape.map((length, axis) => ({ length, stride: this.stride[axis]! }));
  }

  #view(axes: readonly Axis[], offset = this.offset): NdArray<D> {
    const [shape, stride] = [axes.map(({ length }) => length), axes.map(({ stride }) => stride)];
    return new View(this.data, shape, stride, offset);
  }
}
