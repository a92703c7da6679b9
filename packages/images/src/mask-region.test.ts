import { expect, it } from "vitest";
import { cropImage } from "./crop-image.js";
import { maskRegion } from "./mask-region.js";
import { maskFromAlpha, maskTensor } from "./mask-tensor.js";
import type { Pixels } from "./pixels.js";

type Corners = readonly [left: number, top: number, right: number, bottom: number];

function maskOf([width, height]: readonly [number, number], [left, top, right, bottom]: Corners): Pixels {
  const data = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const isInside = x >= left && x < right && y >= top && y < bottom;
    data.set(isInside ? [200, 200, 200, 255] : [0, 0, 0, 255], i * 4);
  }
  return { width, height, data };
}

// Diffusers 0.40.0.dev0: VaeImageProcessor.get_crop_region(mask, width, height, pad)
it.each([
  [[64, 48], [10, 8, 20, 30], [64, 64], 4, [0, 4, 30, 34]],
  [[64, 48], [0, 0, 5, 5], [32, 64], 0, [0, 0, 5, 10]],
  [[64, 48], [50, 40, 64, 48], [96, 48], 8, [32, 32, 64, 48]],
  [[30, 64], [5, 50, 25, 60], [64, 64], 6, [0, 34, 30, 64]],
  [[64, 48], [3, 3, 61, 44], [64, 48], 32, [0, 0, 64, 48]],
  [[20, 20], [4, 4, 9, 15], [24, 8], 1, [0, 3, 20, 16]],
] as const)("in %j around %j for %j and %d pixels", (size, white, [width, height], padding, expected) => {
  const { left, top, ...sides } = maskRegion(maskOf(size, white), { width, height }, padding);
  expect([left, top, left + sides.width, top + sides.height]).toEqual(expected);
});

it("needs something to repaint", () => {
  expect(() => maskRegion(maskOf([4, 3], [0, 0, 0, 0]), { width: 8, height: 8 }, 2)).toThrow(
    new RangeError("mask: expected a white part, got none"),
  );
});

it("masks what is half white, or what is erased", () => {
  const shades = [0, 127, 128, 255].flatMap((shade) => [shade, shade, shade, 40]);
  const mask = maskTensor({ width: 2, height: 2, data: Uint8Array.from(shades) });
  expect(mask.shape).toEqual([1, 1, 2, 2]);
  expect([...mask.data]).toEqual([0, 0, 1, 1]);
  const erased = maskFromAlpha({ width: 2, height: 1, data: Uint8Array.of(9, 8, 7, 255, 9, 8, 7, 55) });
  expect([...erased.data]).toEqual([0, 0, 0, 255, 200, 200, 200, 255]);
});

it("cuts a part out, with nothing where the picture ends", () => {
  const { data } = cropImage(maskOf([4, 3], [1, 1, 3, 2]), { left: 2, top: 1, width: 3, height: 1 });
  expect([...data]).toEqual([200, 200, 200, 255, 0, 0, 0, 255, 0, 0, 0, 0]);
  expect(() => cropImage(maskOf([4, 3], [0, 0, 1, 1]), { left: 0.5, top: 0, width: 1, height: 1 })).toThrow(
    new RangeError("left: expected an integer, got 0.5"),
  );
  expect(() => cropImage(maskOf([4, 3], [0, 0, 1, 1]), { left: 0, top: 0, width: 0, height: 1 })).toThrow(
    new RangeError("width: expected a positive integer, got 0"),
  );
});
