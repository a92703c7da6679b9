import { expect, it } from "vitest";
import { makeImageGrid } from "./make-image-grid.js";
import { RgbaImage } from "./rgba-image.js";

/** 2 wide and 1 high, every byte the same. */
const tile = (value: number) => new RgbaImage({ width: 2, height: 1, data: new Uint8Array(8).fill(value) });

it("lays images row by row and leaves the rest transparent", () => {
  const { width, height, data } = makeImageGrid([tile(1), tile(2), tile(3)], 2);
  expect([width, height]).toEqual([4, 2]);
  expect([...data]).toEqual([1, 2, 3, 0].flatMap((value) => Array(8).fill(value)));
});

it("makes one row when the columns are left out", () => {
  expect(makeImageGrid([tile(1), tile(2)])).toMatchObject({ width: 4, height: 1 });
});

it("names what does not fit", () => {
  const other = new RgbaImage({ width: 1, height: 2, data: new Uint8Array(8) });
  expect(() => makeImageGrid([])).toThrow(new RangeError("images: expected at least one image, got none"));
  expect(() => makeImageGrid([tile(1), other])).toThrow("images[1]: expected 2x1 as the first, got 1x2");
  expect(() => makeImageGrid([tile(1)], 0)).toThrow("columns: expected a positive integer, got 0");
  expect(() => makeImageGrid([tile(1)], 1.5)).toThrow("columns: expected a positive integer, got 1.5");
});
