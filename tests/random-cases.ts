import { expect } from "vitest";
import { goldenJson, goldenTensors } from "./golden.js";

/** Calls on a generator and what it drew: torch 1.13, and numpy for the generators' raw words; see fixtures/README.md. */
export interface RandomCase {
  readonly name: string;
  readonly op: string;
  readonly dtype?: "float64" | "float16" | "bfloat16";
  readonly seed: string;
  readonly seeds: readonly string[];
  readonly offset: number;
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
  readonly values?: readonly number[];
  readonly values_f64?: readonly number[];
  readonly sum_f64?: number;
  readonly tensors?: Readonly<Record<string, string>>;
  readonly calls: readonly { readonly op: string; readonly shape: readonly number[]; readonly seed?: string }[];
}

const tensors = goldenTensors("rng/rng.safetensors");

export const randomCases: readonly RandomCase[] = goldenJson("rng/cases.json");

export const casesOf = (op: string): readonly RandomCase[] => randomCases.filter((one) => one.op === op);

/** The numbers of a stored tensor. */
export const storedValues = (name: string | undefined): readonly number[] =>
  Array.from(tensors.get(name ?? "")?.data ?? [], Number);

/** The largest difference. */
export function worst(drawn: ArrayLike<number | bigint>, expected: readonly number[]): number {
  expect(drawn.length).toBe(expected.length);
  return Math.max(0, ...expected.map((value, i) => Math.abs(value - Number(drawn[i]))));
}

/** What is stored of a case: all values, or the first 64 (32 at times), the last 16 and the sum. */
export function expectStored(
  { data }: { readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array },
  one: RandomCase,
  tolerance: number,
): void {
  const drawn = Array.from(data as ArrayLike<number | bigint>, Number);
  const { all, first, last } = one.tensors ?? {};
  if (all) expect(worst(drawn, storedValues(all))).toBeLessThanOrEqual(tolerance);
  if (first)
    expect(worst(drawn.slice(0, storedValues(first).length), storedValues(first))).toBeLessThanOrEqual(tolerance);
  if (last) expect(worst(drawn.slice(-16), storedValues(last))).toBeLessThanOrEqual(tolerance);
  if (one.sum_f64 === undefined) return;
  const sum = drawn.reduce((total, value) => total + value, 0);
  expect(Math.abs(sum - one.sum_f64)).toBeLessThanOrEqual(tolerance * drawn.length);
}
