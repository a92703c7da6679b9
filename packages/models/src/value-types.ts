import { floatToHalf, halfToFloat, LatentKitError, ndarray, type Tensor, tensor } from "@latentkit/core";
import type { Value, ValueData, ValueType } from "@latentkit/runtime";

/** Numbers in the array that another element type travels in; integers are the nearest ones. */
export function convertValue({ data, shape }: Value, type: ValueType): Value {
  return ndarray(converters[type](data), [...shape]);
}

const converters: Readonly<Record<ValueType, (data: ValueData) => ValueData>> = {
  float32: (data) => floats(data),
  float16: (data) => floatToHalf(floats(data)),
  int32: (data) => (data instanceof Int32Array ? data : Int32Array.from(numbers(data), Math.round)),
  int64: (data) =>
    data instanceof BigInt64Array ? data : BigInt64Array.from(numbers(data), (value) => BigInt(Math.round(value))),
  uint8: (data) => Uint8Array.from(numbers(data), Math.round),
  bool: (data) => Uint8Array.from(numbers(data), (value) => Number(value !== 0)),
};

function floats(data: ValueData): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(numbers(data));
}

function numbers(data: ValueData): ArrayLike<number> {
  return data instanceof BigInt64Array ? Array.from(data, Number) : data;
}

/**
 * What a network gave, as float32; float16 is widened.
 *
 * @throws LatentKitError `"unsupported-model"` for anything but floating-point numbers.
 */
export function floatResult(value: Value | undefined, what: string): Tensor {
  const { data, shape } = value ?? {};
  if (data instanceof Float32Array && shape) return tensor(data, shape);
  if (data instanceof Uint16Array && shape) return tensor(halfToFloat(data), shape);
  throw new LatentKitError("unsupported-model", `${what}: expected floating-point numbers, got other values`);
}
