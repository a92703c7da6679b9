import fc from "fast-check";
import type { NdArray } from "ndarray";
import { describe, expect, it } from "vitest";
import { maxDifference } from "../../../tests/golden.js";
import { casesOf, expectStored, randomCases, storedValues, worst } from "../../../tests/random-cases.js";
import {
  type RandomSource,
  randomPerItem,
  sizeOf,
  type TorchRandomState,
  torchCudaRandom,
  torchRandom,
} from "./index.js";

/** Measured for the reference against double precision: 7e-8 below 16 values, 1.5e-6 from 16 on. */
const normalTolerance = (size: number) => (size < 16 ? 3e-7 : 3e-6);

describe("against torch", () => {
  it("has a case of each kind", () => {
    const ops = ["randn", "rand", "randint", "sequence", "randn_tensor", "mt19937_words", "philox_randn"];
    expect(new Set(randomCases.map(({ op }) => op))).toEqual(new Set(ops));
  });

  it.each(casesOf("mt19937_words"))("$name: the raw words", ({ seed, values: words = [] }) => {
    const lowest = -(2 ** 31);
    const drawn = torchRandom(BigInt(seed)).integers(lowest, 2 ** 31 - 1, [words.length]);
    // a range of 2³² − 1 leaves every word but the largest as it is
    expect(Array.from(drawn.data, (value) => value - lowest)).toEqual(words);
  });

  it.each(casesOf("randn"))("$name", (one) => {
    const random = torchRandom(BigInt(one.seed));
    if (one.dtype === "float64") {
      expect(worst(random.normal(one.shape, { dtype: one.dtype }).data, one.values_f64 ?? [])).toBeLessThan(1e-14);
    } else {
      // 16-bit values are equal: the rounding hides what float32 logarithms and cosines differ by
      const tolerance = one.dtype ? 0 : normalTolerance(sizeOf(one.shape));
      expectStored(random.normal(one.shape, { dtype: one.dtype }), one, tolerance);
    }
  });

  it.each(casesOf("rand"))("$name", (one) => {
    const random = torchRandom(BigInt(one.seed));
    if (one.dtype === "float64")
      expect([...random.uniform(one.shape, { dtype: one.dtype }).data]).toEqual(one.values_f64);
    else expectStored(random.uniform(one.shape, { dtype: one.dtype }), one, 0);
  });

  it.each(casesOf("randint"))("$name", (one) => {
    const random = torchRandom(BigInt(one.seed));
    const wide = random.integers(one.low, one.high, one.shape, { dtype: "int64" });
    expectStored(wide, one, 0);
    if (one.high > 2 ** 31) return;
    const narrow = torchRandom(BigInt(one.seed)).integers(one.low, one.high, one.shape);
    expectStored(narrow, one, 0);
  });

  it.each(casesOf("sequence"))("$name: calls on one stream", ({ seed, calls, tensors: names = {} }) => {
    let random = torchRandom(BigInt(seed));
    calls.forEach((call, i) => {
      if (call.op === "manual_seed") {
        random = torchRandom(BigInt(call.seed ?? ""));
        return;
      }
      const drawn = call.op === "rand" ? random.uniform(call.shape) : random.normal(call.shape);
      const tolerance = call.op === "rand" ? 0 : normalTolerance(sizeOf(call.shape));
      expect(worst(drawn.data, storedValues(names[`call${i}`]))).toBeLessThanOrEqual(tolerance);
    });
  });

  it.each(casesOf("randn_tensor"))("$name: a list of generators", (one) => {
    const random = randomPerItem(one.seeds.map((seed) => torchRandom(BigInt(seed))));
    if (one.name.startsWith("randn_list_second")) random.normal(one.shape);
    expectStored(random.normal(one.shape), one, normalTolerance(16));
  });
});

describe("draws of other precisions", () => {
  // g = torch.Generator().manual_seed(7); then randn(3, dtype), randn(2, float64), rand(4, dtype), randn(18, dtype)[:2], randn(1)
  it.each([
    {
      dtype: "float16",
      small: [-0.1468505859375, 0.7861328125, 0.94677734375],
      unit: [0.78515625, 0.16845703125, 0.1787109375, 0.2705078125],
      large: [-0.908203125, -0.0015659332275390625],
    },
    {
      dtype: "bfloat16",
      small: [-0.146484375, 0.78515625, 0.9453125],
      unit: [0.28125, 0.34765625, 0.4296875, 0.1640625],
      large: [-0.92578125, 1.234375],
    },
  ] as const)("$dtype in between others, with one kept normal for all", ({ dtype, small, unit, large }) => {
    const random = torchRandom(7);
    expect([...random.normal([3], { dtype }).data]).toEqual(small);
    const [first, second] = random.normal([2], { dtype: "float64" }).data;
    expect(first).toBeCloseTo(-1.1143440212610307, 14);
    expect(second).toBeCloseTo(1.6907901257942333, 14);
    expect([...random.uniform([4], { dtype }).data]).toEqual(unit);
    expect([...random.normal([18], { dtype }).data.slice(0, 2)]).toEqual(large);
    expect(random.normal([1]).data[0]).toBeCloseTo(-0.8948279023170471, 6);
  });

  // torch.manual_seed(3); t = torch.randn(2, 4, 31, 17, dtype); t.double().abs().sum(), t.flatten()[-3:]
  it.each([
    { dtype: "float16", sum: 3377.223095178604, last: [-1.0869140625, -0.139404296875, 0.377197265625] },
    { dtype: "bfloat16", sum: 3377.5603494644165, last: [-0.8046875, -0.4609375, 2.171875] },
  ] as const)("$dtype of a size that is no multiple of 16", ({ dtype, sum, last }) => {
    const { data } = torchRandom(3).normal([2, 4, 31, 17], { dtype });
    expect([...data].reduce((total, value) => total + Math.abs(value), 0)).toBe(sum);
    expect([...data.slice(-3)]).toEqual(last);
  });

  it("64-bit integers", () => {
    const wide = (low: number | bigint, high: number | bigint) => [
      ...torchRandom(5).integers(low, high, [3], { dtype: "int64" }).data,
    ];
    // torch.manual_seed(5); torch.randint(-2**63 + 5, 2**63 - 1, (3,))
    const whole = [-5128320818113132333n, 6838803925648402114n, -5410076705834541957n];
    expect(wide(-(2n ** 63n) + 5n, 2n ** 63n - 1n)).toEqual(whole);
    // torch.randint(-2**40, 2**33, (3,)) and torch.randint(0, 1000, (3,)), after the same seed
    expect(wide(-(2 ** 40), 2 ** 33)).toEqual([-150086858546n, -1065876330819n, -161646519178n]);
    expect(wide(0, 1000)).toEqual([411n, 814n, 767n]);
  });

  it("are refused when unknown, and ends beyond their width too", () => {
    const random = torchRandom(0);
    const wrong = { dtype: "float8" } as never;
    expect(() => random.normal([2], wrong)).toThrow(
      new RangeError("dtype: torchRandom draws float32, float16, bfloat16, float64, got float8"),
    );
    expect(() => random.uniform([2], wrong)).toThrow(/^dtype: /);
    expect(() => random.integers(0, 2, [2], wrong)).toThrow(/^dtype: torchRandom.integers draws int64/);
    expect(() => random.integers(0, 2 ** 60, [2], { dtype: "int64" })).toThrow(/^low, high: .*bigints/);
    expect(() => random.integers(3n, 3n, [2], { dtype: "int64" })).toThrow(/^low, high: /);
    expect(() => random.integers(0n, 2n ** 64n, [2], { dtype: "int64" })).toThrow(/^low, high: /);
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
    { words: Array(625).fill(0) },
    { source: "torchRandom" },
    { source: "torchRandom", words: [] },
    { source: "torchRandom", words: "words" },
    { source: "torchRandom", words: Array(625).fill(0.5) },
    { source: "torchRandom", words: Array(625).fill(0), cachedNormal: "1" },
  ])("refuses %j instead of a seed or a state", (state) => {
    expect(() => torchRandom(state as never)).toThrow(RangeError);
  });

  it("refuses the state of another source by name", () => {
    expect(() => torchRandom(torchCudaRandom(1).save() as never)).toThrow(
      "seed: expected an integer, a bigint or a state that torchRandom saved, got one that torchCudaRandom saved",
    );
  });

  it("continues a saved stream bit for bit, through JSON, whatever was drawn", () => {
    const draws: readonly ((random: RandomSource, size: number) => NdArray)[] = [
      (random, size) => random.normal([size]),
      (random, size) => random.uniform([size]),
      (random, size) => random.integers(-3, 1000, [size]),
      (random, size) => random.normal([size], { dtype: "float16" }),
    ];
    const call = fc.tuple(fc.nat(3), fc.nat(40));
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

  it("passes the precision on", () => {
    const { data } = randomPerItem([torchRandom(1), torchRandom(2)]).normal([2, 4, 3, 5], { dtype: "float16" });
    expect(data.slice(60)).toEqual(torchRandom(2).normal([1, 4, 3, 5], { dtype: "float16" }).data);
  });

  it("refuses an empty list and a batch of another length", () => {
    expect(() => randomPerItem([])).toThrow(/^sources: /);
    const random = randomPerItem([torchRandom(1), torchRandom(2)]);
    expect(() => random.normal([3, 4, 8, 8])).toThrow(/^shape: expected a batch of 2/);
    expect(() => random.integers(0, 2, [])).toThrow(RangeError);
  });
});
