import { describe, expect, it } from "vitest";
import { floatToHalf, halfToFloat } from "./float16.js";

const all = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);

/** The definition of binary16, one value at a time. */
function defined(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * 2 ** -14 * fraction : sign * 2 ** (exponent - 15) * (1 + fraction);
}

describe("halfToFloat", () => {
  it("is exact for every float16", () => {
    expect(halfToFloat(all)).toEqual(Float32Array.from(all, defined));
  });
});

describe("floatToHalf", () => {
  it("gives every float16 back", () => {
    const numbers = all.filter((bits) => !Number.isNaN(defined(bits)));
    expect(floatToHalf(halfToFloat(numbers))).toEqual(numbers);
  });

  it("keeps NaN and its sign apart from infinities", () => {
    const half = floatToHalf(Float32Array.of(Number.NaN, -Number.NaN));
    expect(halfToFloat(half)).toEqual(Float32Array.of(Number.NaN, Number.NaN));
  });

  it("rounds halfway between neighbours to the even one, and anything else to the nearer one", () => {
    const finite = all.filter((bits) => (bits & 0x7fff) < 0x7bff);
    for (const bits of finite) {
      const [low, high] = [defined(bits), defined(bits + 1)];
      const half = (low + high) / 2;
      // neighbours of the middle in float32, which are not representable halfway points of float16
      const step = Math.sign(half) * Math.abs(half) * 2 ** -20;
      const even = bits % 2 === 0 ? bits : bits + 1;
      expect([...floatToHalf(Float32Array.of(half, half - step, half + step))]).toEqual([even, bits, bits + 1]);
    }
  });

  it.each([
    [65504, 0x7bff],
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [1e6, 0x7c00],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [-1e9, 0xfc00],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [2 ** -25 * (1 + 2 ** -23), 1],
    [-(2 ** -26), 0x8000],
    [2 ** -149, 0],
    [-0, 0x8000],
    [2 ** -14 - 2 ** -25, 0x400],
    [2049, 0x6800],
    [2051, 0x6802],
  ])("%s is %i", (value, bits) => {
    expect([...floatToHalf(Float32Array.of(value))]).toEqual([bits]);
  });

  it("reads a view that begins inside a buffer", () => {
    expect([...floatToHalf(Float32Array.of(9, 1, -2).subarray(1))]).toEqual([0x3c00, 0xc000]);
  });
});
