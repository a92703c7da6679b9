import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, repeatInterleave, slice, split, type Tensor, tensor, torchRandom, zeros } from "./index.js";

const batches = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
const noise = (batch: number, seed: number): Tensor => torchRandom(seed).normal([batch, 4, 3, 5]);

describe("concat and slice", () => {
  it("undo each other", () => {
    fc.assert(
      fc.property(batches, (sizes) => {
        const values = sizes.map(noise);
        const joined = concat(values);
        let from = 0;
        for (const [i, size] of sizes.entries()) {
          expect(slice(joined, from, from + size).data).toEqual(values[i]?.data);
          from += size;
        }
        expect(joined.shape).toEqual([from, 4, 3, 5]);
      }),
    );
  });

  it("copies when joining and shares memory when cutting", () => {
    const value = noise(2, 1);
    expect(concat([value]).data.buffer).not.toBe(value.data.buffer);
    expect(slice(value, 1, 2).data.buffer).toBe(value.data.buffer);
  });

  it("refuses nothing at all, and items of another shape", () => {
    expect(() => concat([])).toThrow(/^values: expected at least one tensor/);
    expect(() => concat([zeros([1, 4, 3, 5]), zeros([1, 4, 5, 3])])).toThrow(
      new RangeError("values: expected shape [N, 4, 3, 5], got [1, 4, 5, 3]"),
    );
  });

  it("refuses items that are not there", () => {
    expect(() => slice(noise(2, 1), 1, 3)).toThrow(RangeError);
  });
});

describe("split", () => {
  it("cuts the batch into equal parts, in order", () => {
    const value = noise(6, 2);
    const parts = split(value, 3);
    expect(parts.map(({ shape }) => shape)).toEqual(Array(3).fill([2, 4, 3, 5]));
    expect(concat(parts).data).toEqual(value.data);
  });

  it.each([4, 0, 1.5, -2])("refuses %s parts of a batch of six", (parts) => {
    expect(() => split(noise(6, 2), parts)).toThrow(RangeError);
  });
});

describe("repeatInterleave", () => {
  it("repeats each item in place", () => {
    const value = tensor(new Float32Array([1, 2, 3, 4]), [2, 2]);
    expect([...repeatInterleave(value, 2).data]).toEqual([1, 2, 1, 2, 3, 4, 3, 4]);
    expect(repeatInterleave(value, 3).shape).toEqual([6, 2]);
    expect(repeatInterleave(value, 1)).toBe(value);
  });
});
