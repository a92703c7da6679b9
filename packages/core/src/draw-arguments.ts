import { type Shape, sizeOf } from "./tensor.js";

/** How many values a shape holds. @throws RangeError when an axis is no non-negative integer. */
export function checkedSize(shape: Shape): number {
  if (!Array.isArray(shape)) throw new TypeError(`shape: expected a list of integers, got ${String(shape)}`);
  if (!shape.every((axis) => Number.isInteger(axis) && axis >= 0)) {
    throw new RangeError(`shape: expected non-negative integers, got [${shape.join(", ")}]`);
  }
  return sizeOf(shape);
}

/** The width of [low, high), up to 2³². @throws RangeError for ends that are out of order or beyond 32 bits. */
export function rangeOf(low: number, high: number): number {
  const fits = Number.isInteger(low) && Number.isInteger(high) && low >= -(2 ** 31) && high <= 2 ** 31;
  if (fits && low < high) return high - low;
  throw new RangeError(
    `low, high: expected 32-bit integers with low < high, got ${low} and ${high}; torch's sources draw wider ones with { dtype: "int64" }`,
  );
}

/** The width of [low, high), up to 2⁶⁴. @throws RangeError for ends that are out of order or beyond 64 bits. */
export function wideRangeOf(low: number | bigint, high: number | bigint): bigint {
  const whole = [low, high].every((end) => typeof end === "bigint" || Number.isSafeInteger(end));
  if (whole) {
    const [from, to] = [BigInt(low), BigInt(high)];
    if (from < to && from >= -(2n ** 63n) && to <= 2n ** 63n) return to - from;
  }
  throw new RangeError(
    `low, high: expected 64-bit integers with low < high (beyond 2⁵³ as bigints), got ${low} and ${high}`,
  );
}

/** @throws RangeError unless `dtype` is one that the source draws. */
export function checkDrawType<Known extends string>(
  dtype: string,
  known: readonly Known[],
  source: string,
): asserts dtype is Known {
  if ((known as readonly string[]).includes(dtype)) return;
  throw new RangeError(`dtype: ${source} draws ${known.join(", ")}, got ${dtype}`);
}

/** A seed as a bigint, of any size and sign. @throws RangeError for a number with a fraction. */
export function seedOf(seed: number | bigint): bigint {
  if (typeof seed === "bigint") return seed;
  if (Number.isInteger(seed)) return BigInt(seed);
  throw new RangeError(`seed: expected an integer, a bigint or a saved state, got ${String(seed)}`);
}

/** A state that `source` saved. @throws RangeError for one of another source, by name, and for other objects. */
export function checkStateSource(state: { readonly source?: unknown } | null, source: string): void {
  const from = state?.source;
  if (from === source) return;
  const got = typeof from === "string" ? `one that ${from} saved` : "another object";
  throw new RangeError(`seed: expected an integer, a bigint or a state that ${source} saved, got ${got}`);
}
