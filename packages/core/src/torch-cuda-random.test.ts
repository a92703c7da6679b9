import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { casesOf, expectStored, storedValues, worst } from "../../../tests/random-cases.js";
import { type TorchCudaRandomState, torchCudaRandom, torchRandom } from "./index.js";
import { philox, wordPair } from "./philox.js";

const at = (seed: string | bigint, offset: number): TorchCudaRandomState => ({
  source: "torchCudaRandom",
  seed: String(seed),
  offset,
});

// fixtures/rng: the formulas of torch and curand in numpy; "philox.published" was printed by a GPU
describe("against torch", () => {
  it.each(casesOf("philox_randn"))("$name", (one) => {
    const noise = torchCudaRandom(at(one.seed, one.offset)).normal(one.shape);
    if (one.values) expect(worst(noise.data, one.values)).toBeLessThanOrEqual(5e-7);
    expectStored(noise, one, 5e-7);
  });

  it.each(casesOf("philox_randn").filter(({ tensors }) => tensors?.words))("$name: the raw words", (one) => {
    const stored = storedValues(one.tensors?.words).map((word) => word >>> 0); // [4, 8]: word by word
    const blocks = Array.from({ length: 8 }, (_, i) => philox([one.offset, 0], [i, 0], wordPair(BigInt(one.seed))));
    expect(blocks).toEqual(blocks.map((_, i) => [0, 1, 2, 3].map((word) => stored[8 * word + i])));
  });

  it("continues from call to call as its offset says", () => {
    const random = torchCudaRandom(42);
    const calls = [random.normal([3, 5]), random.normal([32]), random.normal([32])];
    for (const one of casesOf("philox_randn").filter(({ seed, offset }) => seed === "42" && offset > 0)) {
      expectStored(calls[one.offset]!, one, 5e-7);
    }
  });
});

// A model of torch's grid-stride kernel in Python (one counter per loop of a thread, words x to w for the elements T apart),
// seed 2^40 + 3
describe("other draws", () => {
  const seed = 2n ** 40n + 3n;

  it("takes several values from each thread of a small GPU", () => {
    const random = torchCudaRandom(seed, { threads: 256 });
    const { data } = random.normal([2, 3, 250]);
    const some = [0, 255, 256, 600, 800, 1023, 1024, 1499].map((i) => data[i]!);
    const expected = [
      -1.3825016626365685, -2.948197960259779, -0.5235259040618956, 0.6363814425423225, -0.7984369743964951,
      -0.9992985636559696, -1.6722178268786803, -1.4297335744035653,
    ];
    expect(worst(some, expected)).toBeLessThan(5e-7);
    const next = [0.4641178084476964, -0.0032704992559124246, 0.19995689822561644];
    expect(worst(random.normal([3]).data, next)).toBeLessThan(5e-7);
    expect(random.save()).toEqual({ ...at(seed, 3), threads: 256 });
  });

  it("draws uniform values and integers of 32 and 64 bits", () => {
    expect([...torchCudaRandom(seed).uniform([5]).data]).toEqual([
      0.33531156182289124, 0.4438020586967468, 0.3986314535140991, 0.3832002282142639, 0.8506408333778381,
    ]);
    const small = [241, 318, 25, 423, 646];
    expect([...torchCudaRandom(seed).integers(0, 1000, [5]).data]).toEqual(small);
    expect([...torchCudaRandom(seed).integers(-7, 993, [5], { dtype: "int64" }).data].map(Number)).toEqual(
      small.map((value) => value - 7),
    );
    const wide = [763182990901n, 1056848140098n, 967078511766n, 993867958152n, 373035891001n];
    expect([...torchCudaRandom(seed).integers(0, 2 ** 40, [5], { dtype: "int64" }).data]).toEqual(wide);
    const whole = torchCudaRandom(seed).integers(-(2 ** 31), 2 ** 31, [5]).data;
    expect([...whole]).toEqual(wide.map((value) => Number(BigInt.asUintN(32, value)) - 2 ** 31));
  });

  it.each(["float16", "bfloat16"] as const)("%s values are the float32 ones, rounded", (dtype) => {
    const rounded = torchCudaRandom(1).normal([4, 9], { dtype }).data;
    const step = dtype === "float16" ? 2 ** -11 : 2 ** -8;
    const exact = torchCudaRandom(1).normal([4, 9]).data;
    expect(rounded.every((value, i) => Math.abs(value - exact[i]!) <= step * Math.abs(exact[i]!))).toBe(true);
    expect(rounded).not.toEqual(exact);
    expect(
      torchCudaRandom(1)
        .uniform([5000], { dtype })
        .data.every((value) => value >= 0 && value < 1),
    ).toBe(true);
  });
});

describe("torchCudaRandom", () => {
  it("uses all 64 bits of a seed of any sign", () => {
    const first = (seed: number | bigint) => torchCudaRandom(seed).normal([3]).data;
    expect(first(2 ** 32 + 5)).not.toEqual(first(5));
    expect(first(-1)).toEqual(first(2n ** 64n - 1n));
    expect(first(2n ** 64n + 7n)).toEqual(first(7));
  });

  it("continues a saved stream bit for bit, through JSON", () => {
    const call = fc.tuple(fc.nat(2), fc.nat(600));
    const draw = (random: ReturnType<typeof torchCudaRandom>, [kind, size]: [number, number]) =>
      [random.normal, random.uniform, (shape: number[]) => random.integers(-3, 90, shape)][kind]!([size]);
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.array(call),
        fc.array(call),
        (seed, before, after) => {
          const random = torchCudaRandom(seed, { threads: 256 });
          for (const one of before) draw(random, one);
          const copy = torchCudaRandom(JSON.parse(JSON.stringify(random.save())));
          for (const one of after) expect(draw(copy, one).data).toEqual(draw(random, one).data);
          expect(copy.save()).toEqual(random.save());
        },
      ),
      { numRuns: 30 },
    );
  });

  it("refuses the state of another source by name", () => {
    expect(() => torchCudaRandom(torchRandom(1).save() as never)).toThrow(
      "seed: expected an integer, a bigint or a state that torchCudaRandom saved, got one that torchRandom saved",
    );
  });

  it.each([1.5, "42", null, {}, at("-1", 0), at("x", 0), at(1n, -1), at(1n, 0.5)])("refuses the seed %j", (seed) => {
    expect(() => torchCudaRandom(seed as never)).toThrow(/^seed: /);
  });

  it.each([0, 100, -256, 256.5, Number.NaN])("refuses %s threads", (threads) => {
    expect(() => torchCudaRandom(0, { threads })).toThrow(/^threads: expected a positive multiple of 256/);
  });

  it("refuses float64, bad shapes and ranges, and draws nothing for no values", () => {
    const random = torchCudaRandom(0);
    expect(() => random.normal([2], { dtype: "float64" } as never)).toThrow(
      "dtype: torchCudaRandom draws float32, float16, bfloat16, got float64",
    );
    expect(() => random.normal([2, -1])).toThrow(/^shape: /);
    expect(() => random.integers(2, 1, [2])).toThrow(/^low, high: /);
    expect(random.uniform([2, 0]).shape).toEqual([2, 0]);
    expect(random.save()).toEqual(at(0n, 0));
    expect(random.normal([]).data).toHaveLength(1);
  });
});
