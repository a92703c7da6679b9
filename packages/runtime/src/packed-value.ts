import { contiguous, isContiguous, ndarray, type Tensor } from "@latentkit/core";
import type { Feeds, KeptValue, Value, ValueData, ValueInfo, ValueType } from "./backend.js";

/** A value that owns its buffer, and so can be handed to another thread. */
export interface PackedValue {
  readonly type: ValueType;
  readonly data: ValueData;
  readonly shape: readonly number[];
}

/** A value that a host keeps, by its name there. */
export interface KeptReference {
  readonly kept: string;
  readonly type: ValueType;
  readonly shape: readonly number[];
}

/** What goes into a run: a value that comes along, or one that is there already. */
export type FedValue = PackedValue | KeptReference;

const arrays: Readonly<Record<ValueType, new (buffer: ArrayBuffer) => ValueData>> = {
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** Whether values of this ONNX element type can cross the boundary of a session. */
export function isValueType(type: string): type is ValueType {
  return Object.hasOwn(arrays, type);
}

/** A copy of a typed array's values, in the array that their type travels in. */
export function copyAs(type: ValueType, { buffer, byteOffset, byteLength }: ArrayBufferView): ValueData {
  const bytes = new Uint8Array(byteLength);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
  return new arrays[type](bytes.buffer);
}

/**
 * Copies what a caller feeds to a network, so that it may be changed or fed again at once.
 *
 * @param reference finds the name of a kept value.
 * @throws TypeError when an input is missing or unknown, or of another element type.
 * @throws RangeError when a shape does not fit.
 */
export function packFeeds(
  inputs: readonly ValueInfo[],
  feeds: Feeds,
  reference: (value: KeptValue) => string | undefined,
): Record<string, FedValue> {
  const expected = inputs.map(({ name }) => name).join(", ");
  for (const name of Object.keys(feeds)) {
    if (!inputs.some((input) => input.name === name)) {
      throw new TypeError(`feeds: the network has no input "${name}"; it has ${expected}`);
    }
  }
  return Object.fromEntries(
    inputs.map((input) => {
      const value = feeds[input.name];
      if (value === undefined) throw new TypeError(`feeds: "${input.name}" is missing; the network takes ${expected}`);
      return [input.name, isKept(value) ? referenceTo(input, value, reference(value)) : pack(input, value)];
    }),
  );
}

const isKept = (value: Value | KeptValue): value is KeptValue => "read" in value;

function referenceTo({ name, type, shape }: ValueInfo, value: KeptValue, kept: string | undefined): KeptReference {
  if (kept === undefined) throw new TypeError(`feeds: "${name}": expected a value that this backend keeps`);
  if (value.type !== type) throw new TypeError(`feeds: "${name}" is ${type}, got ${value.type}`);
  checkFit(name, shape, value.shape);
  return { kept, type, shape: value.shape };
}

/** The array that a network's result is. */
export function unpack({ data, shape }: PackedValue): Value {
  return ndarray(data, [...shape]);
}

function pack({ name, type, shape }: ValueInfo, value: Value): PackedValue {
  if (!holds(type, value.data)) {
    const found = Object.prototype.toString.call(value.data).slice(8, -1);
    throw new TypeError(`feeds: "${name}" is ${type}: expected the values in a ${arrays[type].name}, got ${found}`);
  }
  checkFit(name, shape, value.shape);
  return { type, data: copyAs(type, inOrder(name, value).data), shape: [...value.shape] };
}

function checkFit(name: string, expected: ValueInfo["shape"], found: readonly number[]): void {
  if (expected.length === found.length && expected.every((axis, i) => !isFixed(axis) || axis === found[i])) return;
  throw new RangeError(
    `feeds: "${name}": expected shape [${expected.map(axisName).join(", ")}], got [${found.join(", ")}]`,
  );
}

function isFixed(axis: number | string): axis is number {
  return typeof axis === "number";
}

function axisName(axis: number | string): string {
  return axis === "" ? "any" : String(axis);
}

function holds(type: ValueType, data: ValueData): boolean {
  const isHalfArray = type === "float16" && Object.prototype.toString.call(data) === "[object Float16Array]";
  return isHalfArray || data instanceof arrays[type];
}

function inOrder(name: string, value: Value): Value {
  if (isFloat(value)) return contiguous(value);
  if (isContiguous(value)) return value;
  throw new TypeError(
    `feeds: "${name}": expected a contiguous array, got a view with strides [${value.stride.join(", ")}]`,
  );
}

function isFloat(value: Value): value is Tensor {
  return value.data instanceof Float32Array;
}
