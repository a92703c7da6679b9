import { contiguous, dims, type Tensor } from "@latentkit/core";

/** @throws RangeError unless the value lies within bounds. */
export function checkRange(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw new RangeError(`${name}: expected ${min} to ${max}, got ${value}`);
}

/** @throws RangeError unless the value is a finite number. */
export function checkFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) throw new RangeError(`${name}: expected a finite number, got ${value}`);
}

/** @throws RangeError unless the value is a positive integer. */
export function checkCount(name: string, value: number): void {
  if (!isCount(value)) throw new RangeError(`${name}: expected a positive integer, got ${value}`);
}

export const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;

/** @throws RangeError unless the value is one of the choices. */
export function checkOneOf(name: string, value: unknown, choices: readonly unknown[]): void {
  if (!choices.includes(value))
    throw new RangeError(`${name}: expected one of ${choices.join(", ")}, got ${String(value)}`);
}

/** @throws TypeError or RangeError unless it is a float32 tensor of that shape, without NaN and infinity. */
export function checkTensor(value: Tensor, shape: string, name: string): void {
  if (!(value.data instanceof Float32Array))
    throw new TypeError(`${name}: expected a float32 tensor, got ${typeof value}`);
  dims(value, shape, name);
  if (value.size === 0) throw new RangeError(`${name}: expected no empty axis, got [${value.shape.join(", ")}]`);
  const stray = contiguous(value).data.find((number) => !Number.isFinite(number));
  if (stray !== undefined) throw new RangeError(`${name}: expected finite numbers, got ${stray}`);
}

/** A string or strings, as a list. @throws TypeError for anything else, RangeError for an empty list. */
export function textList(value: string | readonly string[], name: string): readonly string[] {
  const list: unknown = typeof value === "string" ? [value] : value;
  if (!Array.isArray(list) || !list.every((text) => typeof text === "string"))
    throw new TypeError(`${name}: expected a string or strings, got ${typeof value}`);
  if (list.length === 0) throw new RangeError(`${name}: expected at least one text, got none`);
  return list;
}
