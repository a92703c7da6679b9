import fc from "fast-check";
import ndarray from "ndarray";
import { describe, expect, it } from "vitest";
import { checkSameShape, contiguous, dims, sizeOf, type Tensor, tensor, tokenIds, zeros } from "./index.js";

const counting = (shape: readonly number[]) =>
  tensor(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => i),
    shape,
  );

describe("tensor", () => {
  it("puts a shape on values without a copy", () => {
    const data = new Float32Array(6);
    expect(tensor(data, [1, 3, 2]).data).toBe(data);
    expect(tensor(data, [1, 3, 2]).shape).toEqual([1, 3, 2]);
    expect(tokenIds(new Int32Array(6), [2, 3]).shape).toEqual([2, 3]);
  });

  it("does not keep the caller's shape array", () => {
    const shape = [2, 3];
    const value = zeros(shape);
    shape[0] = 9;
    expect(value.shape).toEqual([2, 3]);
  });

  it.each([[[2, 2]], [[7]], [[]]])("refuses six values for the shape %j", (shape) => {
    expect(() => tensor(new Float32Array(6), shape)).toThrow(/^shape: .* got 6$/);
    expect(() => tokenIds(new Int32Array(6), shape)).toThrow(RangeError);
  });

  it.each([[[-2, -3]], [[1.5, 4]], [[Number.NaN]]])("refuses the shape %j", (shape) => {
    expect(() => tensor(new Float32Array(6), shape)).toThrow(/^shape: expected non-negative integers/);
  });

  it("has one value at rank 0 and none on an empty axis", () => {
    expect(sizeOf([])).toBe(1);
    expect(zeros([2, 0, 3]).data).toHaveLength(0);
  });
});

/** One of ndarray's ways to look at the same memory otherwise. */
type View = (value: Tensor) => Tensor;

const view = fc.tuple(
  fc.constantFrom("transpose", "step", "lo", "hi"),
  fc.array(fc.nat(5), { minLength: 4, maxLength: 4 }),
);

function apply([kind, numbers]: readonly [string, readonly number[]]): View {
  return (value) => {
    const axes = value.shape.map((_, axis) => axis);
    const of = (choose: (length: number, n: number) => number) =>
      value.shape.map((length, axis) => choose(length, numbers[axis]!));
    if (kind === "transpose") return value.transpose(...axes.sort((a, b) => numbers[a]! - numbers[b]! || a - b));
    if (kind === "step") return value.step(...of((_, n) => (n === 0 ? -1 : n)));
    if (kind === "lo") return value.lo(...of((length, n) => n % (length + 1)));
    return value.hi(...of((length, n) => Math.min(length, n)));
  };
}

/** Every value of a view in C order, by ndarray's own indexing. */
function naive(value: Tensor, index: readonly number[] = []): number[] {
  if (index.length === value.shape.length) return [value.get(...index)];
  return Array.from({ length: value.shape[index.length]! }, (_, i) => naive(value, [...index, i])).flat();
}

describe("contiguous", () => {
  it("reads any view in C order", () => {
    const shape = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(shape, fc.array(view, { maxLength: 4 }), (lengths, views) => {
        const seen = views.map(apply).reduce((value, look) => look(value), counting(lengths));
        const copy = contiguous(seen);
        expect([...copy.data]).toEqual(naive(seen));
        expect(copy.shape).toEqual(seen.shape);
        expect(contiguous(copy)).toBe(copy);
      }),
    );
  });

  it("copies a transpose and returns what is contiguous already", () => {
    const value = counting([2, 3]);
    expect(contiguous(value)).toBe(value);
    expect([...contiguous(value.transpose(1, 0)).data]).toEqual([0, 3, 1, 4, 2, 5]);
  });

  it("copies a view that begins later or ends sooner in its memory", () => {
    const value = counting([3, 2]);
    expect([...contiguous(value.hi(2, 2)).data]).toEqual([0, 1, 2, 3]);
    expect([...contiguous(value.lo(1, 0)).data]).toEqual([2, 3, 4, 5]);
    expect([...contiguous(ndarray(new Float32Array([7, 8]), [], [], 1)).data]).toEqual([8]);
  });
});

describe("dims", () => {
  it("reads axes by name", () => {
    const { B, H, W } = dims(zeros([2, 4, 6, 10]), "B 4 H W", "latents");
    expect([B, H, W]).toEqual([2, 6, 10]);
  });

  it.each([[[2, 3, 6, 10]], [[2, 4, 6]], [[1, 2, 4, 6, 10]]])("refuses %j by name, with both shapes", (shape) => {
    expect(() => dims({ shape }, "B 4 H W", "latents")).toThrow(
      new RangeError(`latents: expected shape [B, 4, H, W], got [${shape.join(", ")}]`),
    );
  });
});

describe("checkSameShape", () => {
  it("passes equal shapes and names what differs", () => {
    expect(() => checkSameShape(zeros([1, 4, 2]), zeros([1, 4, 2]), "noise")).not.toThrow();
    expect(() => checkSameShape(zeros([1, 4, 2]), zeros([1, 2, 4]), "noise")).toThrow(
      new RangeError("noise: expected shape [1, 4, 2], got [1, 2, 4]"),
    );
    expect(() => checkSameShape(zeros([4, 2]), zeros([4, 2, 1]), "noise")).toThrow(RangeError);
  });
});
