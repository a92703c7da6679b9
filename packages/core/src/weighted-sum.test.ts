import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Term, tensor, torchRandom, weightedSum, zeros } from "./index.js";

describe("weightedSum", () => {
  it("is the float32 nearest to the sum in double precision", () => {
    const weights = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(weights, fc.nat(), (factors, seed) => {
        const random = torchRandom(seed);
        const terms = factors.map((weight): Term => [weight, random.normal([2, 3, 5])]);
        const { data, shape } = weightedSum(terms);
        expect(shape).toEqual([2, 3, 5]);
        for (let i = 0; i < data.length; i++) {
          // `+ 0` on both sides: a sum of zeros has no sign to speak of
          const exact = terms.reduce((sum, [weight, value]) => sum + weight * value.data[i]!, 0);
          expect(data[i]! + 0).toBe(Math.fround(exact) + 0);
        }
      }),
    );
  });

  it("rounds once: a value lost in float32 steps survives", () => {
    const one = (value: number) => tensor(new Float32Array([value]), [1]);
    expect(
      weightedSum([
        [1, one(2 ** 24)],
        [1, one(1)],
        [-1, one(2 ** 24)],
      ]).data[0],
    ).toBe(1);
  });

  it("leaves its terms as they were", () => {
    const noise = torchRandom(1).normal([3, 2]);
    const before = noise.data.slice();
    weightedSum([
      [2, noise],
      [3, noise],
    ]);
    expect(noise.data).toEqual(before);
  });

  it("lets NaN and infinities through", () => {
    const odd = tensor(new Float32Array([Number.NaN, Number.POSITIVE_INFINITY]), [2]);
    expect([...weightedSum([[2, odd]]).data]).toEqual([Number.NaN, Number.POSITIVE_INFINITY]);
  });

  it("refuses no terms, and shapes that differ", () => {
    expect(() => weightedSum([])).toThrow(/^terms: expected at least one/);
    expect(() =>
      weightedSum([
        [1, zeros([2, 3])],
        [1, zeros([3, 2])],
      ]),
    ).toThrow(new RangeError("terms: expected shape [2, 3], got [3, 2]"));
  });
});
