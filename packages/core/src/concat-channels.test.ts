import { expect, it } from "vitest";
import { concatChannels } from "./concat-channels.js";
import { tensor } from "./tensor.js";

const numbered = (from: number, shape: readonly number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => from + i),
    shape,
  );

it("joins along the channels, item by item", () => {
  const joined = concatChannels([numbered(0, [2, 1, 1, 2]), numbered(10, [2, 2, 1, 2])]);
  expect(joined.shape).toEqual([2, 3, 1, 2]);
  expect([...joined.data]).toEqual([0, 1, 10, 11, 12, 13, 2, 3, 14, 15, 16, 17]);
});

it("names what does not fit", () => {
  expect(() => concatChannels([])).toThrow(new RangeError("values: expected at least one tensor, got none"));
  expect(() => concatChannels([numbered(0, [2, 1, 1, 2]), numbered(0, [2, 1, 2, 2])])).toThrow(
    new RangeError("values: expected shape [2, C, 1, 2], got [2, 1, 2, 2]"),
  );
});
