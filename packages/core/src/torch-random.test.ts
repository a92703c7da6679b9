import fc from "fast-check";
import type { NdArray } from "ndarray";
import { describe, expect, it } from "vitest";
import { goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { type RandomSource, randomPerItem, sizeOf, type TorchRandomState, torchRandom } from "./index.js";

// fixtures/rng: drawn by torch 1.13 on the CPU, float32; the MT19937 words by the published reference algorithm.
interface Case {
  readonly name: string;
  readonly op: string;
  readonly seed: string;
  readonly seeds: readonly string[];
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
  readonly values: readonly number[];
  readonly sum_f64?: number;
  readonly tensors: Readonly<Record<string, string>>;
  readonly calls: readonly { readonly op: string; readonly shape: readonly number[]; readonly seed?: string }[];
}
const cases = goldenJson<readonly Case[]>("rng/cases.json");
const tensors = goldenTensors("rng/rng.safetensors");
const ofOp = (op: string) => cases.filter((one) => one.op === op);

/** Measured for the reference against double precision: 7e-8 below 16 values, 1.5e-6 from 16 on. */
const normalTolerance = (size: number) => (size < 16 ? 3e-7 : 3e-6);

const values = (name: string | undefined) => Array.from(tensors.get(name ?? "")?.data ?? [], Number);

function worst(drawn: ArrayLike<number>, expected: readonly number[]): number {
  expect(drawn.length).toBe(expected.length);
  return Math.max(0, ...expected.map((value, i) => Math.abs(value - drawn[i]!)));
}

/** The stored values of a case: all of them, or the first 64, the last 16 and the sum. */
function expectStored({ data }: NdArray<Float32Array | Int32Array>, one: Case, tolerance: number): void {
  const { all, first, last } = one.tensors;
  if (all) expect(worst(data, values(all))).toBeLessThanOrEqual(tolerance);
  if (first) expect(worst(data.subarray(0, 64), values(first))).toBeLessThanOrEqual(tolerance);
  if (last) expect(worst(data.subarray(-16), values(last))).toBeLessThanOrEqual(tolerance);
  if (one.sum_f64 === undefined) return;
  const sum = Array.from(data).reduce((total, value) => total + value, 0);
  expect(Math.abs(sum - one.sum_f64)).toBeLessThanOrEqual(tolerance * data.length);
}

describe("against torch", () => {
  it("has a case of each kind", () => {
    const ops = ["randn", "rand", "randint", "sequence", "randn_tensor", "mt19937_words"];
    expect(new Set(cases.map(({ op }) => op))).toEqual(new Set(ops));
  });

  it.each(ofOp("mt19937_words"))("$name: the raw words", ({ seed, values: words }) => {
    const lowest = -(2 ** 31);
    const drawn = torchRandom(BigInt(seed)).integers(lowest, 2 ** 31 - 1, [words.length]);
    // a range of 2³² − 1 leaves every word but the largest as it is
    expect(Array.from(drawn.data, (value) => value - lowest)).toEqual(words);
  });

  it.each(ofOp("randn"))("$name", (one) => {
    expectStored(torchRandom(BigInt(one.seed)).normal(one.shape), one, normalTolerance(sizeOf(one.shape)));
  });

  it.each(ofOp("rand"))("$name", (one) => {
    expectStored(torchRandom(BigInt(one.seed)).uniform(one.shape), one, 0);
  });

  it.each(ofOp("randint"))("$name", (one) => {
    expectStored(torchRandom(BigInt(one.seed)).integers(one.low, one.high, one.shape), one, 0);
  });

  it.each(ofOp("sequence"))("$name: calls on one stream", ({ seed, calls, tensors: names }) => {
    let random = torchRandom(BigInt(seed));
    calls.forEach((call, i) => {
      if (call.op === "manual_seed") {
        random = torchRandom(BigInt(call.seed ?? ""));
        return;
      }
      const drawn = call.op === "rand" ? random.uniform(call.shape) : random.normal(call.shape);
      const tolerance = call.op === "rand" ? 0 : normalTolerance(sizeOf(call.shape));
      expect(worst(drawn.data, values(names[`call${i}`]))).toBeLessThanOrEqual(tolerance);
    });
  });

  it.each(ofOp("randn_tensor"))("$name: a list of generators", (one) => {
    const random = randomPerItem(one.seeds.map((seed) => torchRandom(BigInt(seed))));
    if (one.name.startsWith("randn_list_second")) random.normal(one.shape);
    expectStored(random.normal(one.shape), one, normalTolerance(16));
  });
});

describe("torchRandom", () => {
  it("uses the low 32 bits of a seed of any size and sign", () => {
    const first = (seed: number | bigint) => [...torchRandom(seed).uniform([3]).data];
    expect(first(2 ** 32 + 5)).toEqual(first(5));
    expect(first(-1)).toEqual(first(2 ** 32 - 1));
    expect(first(2n ** 80n + 7n)).toEqual(first(7));
    expect(first(-(2n ** 40n))).toEqual(first(0));
  });

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses the seed %s", (seed) => {
    expect(() => torchRandom(seed)).toThrow(
      new RangeError(`seed: expected an integer, a bigint or a saved state, got ${seed}`),
    );
  });

  it.each([
    {},
    null,
    "42",
    undefined,
    { words: [] },
    { words: "words" },
    { words: Array(625).fill(0.5) },
    { words: Array(625).fill(0), cachedNormal: "1" },
  ])("refuses %j instead of a seed or a state", (state) => {
    expect(() => torchRandom(state as never)).toThrow(RangeError);
  });

  it("continues a saved stream bit for bit, through JSON, whatever was drawn", () => {
    const draws: readonly ((random: RandomSource, size: number) => NdArray)[] = [
      (random, size) => random.normal([size]),
      (random, size) => random.uniform([size]),
      (random, size) => random.integers(-3, 1000, [size]),
    ];
    const call = fc.tuple(fc.nat(2), fc.nat(40));
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.array(call), fc.array(call), (seed, before, after) => {
        const random = torchRandom(seed);
        for (const [kind, size] of before) draws[kind]!(random, size);
        const saved: TorchRandomState = JSON.parse(JSON.stringify(random.save()));
        const copy = torchRandom(saved);
        for (const [kind, size] of after) {
          expect(draws[kind]!(copy, size).data).toEqual(draws[kind]!(random, size).data);
        }
        expect(copy.save()).toEqual(random.save());
      }),
    );
  });

  it("leaves a saved state as it was while streams go on from it", () => {
    const random = torchRandom(3);
    random.normal([3]);
    const saved = random.save();
    const text = JSON.stringify(saved);
    torchRandom(saved).normal([5, 700]);
    random.normal([5]);
    expect(JSON.stringify(saved)).toBe(text);
  });

  it("keeps integers in their range, negative and full-width ones too", () => {
    const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(int32, int32, fc.nat(), (a, b, seed) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b) + 1];
        const { data } = torchRandom(seed).integers(low, high, [2, 3]);
        expect(data.every((value) => value >= low && value < high)).toBe(true);
      }),
      { examples: [[-(2 ** 31), 2 ** 31 - 1, 1]] },
    );
  });

  it("draws the widest range from the second of two words, as torch's 64-bit modulus does", () => {
    const lowest = -(2 ** 31);
    const wide = torchRandom(0).integers(lowest, 2 ** 31, [2]).data;
    const single = torchRandom(0).integers(lowest, 2 ** 31 - 1, [4]).data;
    expect([...wide]).toEqual([single[1], single[3]]);
  });

  it.each([
    [0, 0],
    [3, 1],
    [0.5, 2],
    [0, 2 ** 40],
    [Number.NaN, 1],
  ])("refuses integers in [%s, %s)", (low, high) => {
    expect(() => torchRandom(0).integers(low, high, [1])).toThrow(/^low, high: /);
  });

  it("gives shapes of rank 0 and of no values, and refuses negative axes", () => {
    expect(torchRandom(0).normal([]).data).toHaveLength(1);
    expect(torchRandom(0).normal([2, 0]).shape).toEqual([2, 0]);
    expect(() => torchRandom(0).normal([2, -1])).toThrow(/^shape: /);
    expect(() => torchRandom(0).uniform([1.5])).toThrow(/^shape: /);
  });
});

describe("randomPerItem", () => {
  it("gives each item what its own source gives alone", () => {
    const random = randomPerItem([torchRandom(1), torchRandom(2)]);
    const both = random.normal([2, 4, 3, 5]);
    expect(maxDifference(both, randomPerItem([torchRandom(1), torchRandom(2)]).normal([2, 4, 3, 5]))).toBe(0);
    expect(both.data.slice(60)).toEqual(torchRandom(2).normal([1, 4, 3, 5]).data);
    expect(random.uniform([2, 3]).shape).toEqual([2, 3]);
    expect(random.integers(0, 9, [2, 2]).shape).toEqual([2, 2]);
  });

  it("draws integers per item", () => {
    const { data } = randomPerItem([torchRandom(1), torchRandom(2)]).integers(0, 100, [2, 3]);
    expect(data.slice(3)).toEqual(torchRandom(2).integers(0, 100, [1, 3]).data);
  });

  it("saves the state of every source", () => {
    const sources = [torchRandom(1), torchRandom(2)];
    expect(randomPerItem(sources).save()).toEqual(sources.map((source) => source.save()));
  });

  it("refuses an empty list and a batch of another length", () => {
    expect(() => randomPerItem([])).toThrow(/^sources: /);
    const random = randomPerItem([torchRandom(1), torchRandom(2)]);
    expect(() => random.normal([3, 4, 8, 8])).toThrow(/^shape: expected a batch of 2/);
    expect(() => random.integers(0, 2, [])).toThrow(RangeError);
  });
});
