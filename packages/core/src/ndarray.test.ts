import fc from "fast-check";
import reference, { type NdArray } from "ndarray";
import { describe, expect, it } from "vitest";
import { ndarray } from "./ndarray.js";

const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 });
const argument = fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined });
const commands = fc.array(
  fc.record({
    name: fc.constantFrom("lo" as const, "hi" as const, "step" as const, "transpose" as const, "pick" as const),
    values: fc.array(argument, { minLength: 5, maxLength: 5 }),
  }),
  { maxLength: 4 },
);

/** What a caller sees of an array. */
function facts(array: NdArray<Float32Array>): object {
  const { shape, stride, offset, dtype, size, order, dimension } = array;
  // axes of one distance may stand in any order
  const distances = Array.from(order, (axis) => Math.abs(stride[axis]!));
  return { shape: [...shape], stride: [...stride], offset, dtype, size, distances, dimension };
}

/** The same view of both arrays; commands are cut to what makes sense for the shape. */
function viewed(
  array: NdArray<Float32Array>,
  name: "lo" | "hi" | "step" | "transpose" | "pick",
  values: readonly (number | undefined)[],
): NdArray<Float32Array> {
  const { shape } = array;
  if (name === "pick") {
    // never all axes: what `ndarray` makes of that is no array
    const at = shape.map((length, axis) => (axis === 0 || values[axis] === undefined ? -1 : values[axis]! % length));
    return array.pick(...at);
  }
  if (name === "transpose") {
    const turn = (values[0] ?? 1) % shape.length;
    return array.transpose(...shape.map((_, axis) => (axis + turn) % shape.length));
  }
  const steps = [1, 2, -1, -2, 3];
  const numbers = shape.map((length, axis) => {
    const value = values[axis];
    if (value === undefined) return name === "hi" ? -1 : name === "lo" ? 0 : 1;
    return name === "step" ? steps[value]! : name === "hi" ? 1 + (value % length) : value % length;
  });
  return array[name](...numbers);
}

describe("ndarray", () => {
  it("is what the package ndarray makes, and so are its views", () => {
    fc.assert(
      fc.property(shapes, commands, (shape, list) => {
        const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i);
        let [found, expected]: [NdArray<Float32Array>, NdArray<Float32Array>] = [
          ndarray(data, shape),
          reference(data, [...shape]),
        ];
        for (const { name, values } of list) {
          [found, expected] = [viewed(found, name, values), viewed(expected, name, values)];
          expect(facts(found)).toEqual(facts(expected));
          const last = found.shape.map((length) => length - 1);
          expect(found.get(...last)).toBe(expected.get(...last));
          expect(found.index(...last)).toBe(expected.index(...last));
        }
      }),
    );
  });

  it("writes where it reads, in every type of array", () => {
    const halves = ndarray(new Uint16Array(6), [2, 3]);
    expect(halves.set(1, 2, 7)).toBe(7);
    expect([halves.get(1, 2), halves.data[5], halves.dtype]).toEqual([7, 7, "uint16"]);
    const ids = ndarray(BigInt64Array.of(1n, -2n), [2]);
    expect([ids.get(1), ids.dtype]).toEqual([-2n, "bigint64"]);
    expect(ndarray(new Uint8ClampedArray(1), [1]).dtype).toBe("uint8_clamped");
    expect(ndarray(Float32Array.of(5), []).get()).toBe(5);
  });
});
