import type { Pixels } from "./pixels.js";
import { RgbaImage } from "./rgba-image.js";

/** A part of a picture, in pixels. */
export interface ImageBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A part of a picture. What of the box lies outside is black and transparent.
 *
 * @throws RangeError unless the box's corner is a pair of integers, and its sides are positive ones.
 * @example
 * ```ts
 * const image = new RgbaImage({ width: 4, height: 2, data: new Uint8Array(32) });
 * cropImage(image, { left: 1, top: 0, width: 2, height: 2 }).width; // 2
 * ```
 */
export function cropImage(image: Pixels, { left, top, width, height }: ImageBox): RgbaImage {
  for (const [name, value] of Object.entries({ left, top, width, height })) {
    if (!Number.isInteger(value)) throw new RangeError(`${name}: expected an integer, got ${value}`);
    if (value < 1 && (name === "width" || name === "height"))
      throw new RangeError(`${name}: expected a positive integer, got ${value}`);
  }
  const canvas = { width, height, data: new Uint8ClampedArray(width * height * 4) };
  return new RgbaImage(pasteInto(canvas, image, -left, -top));
}

/** Puts a picture onto another one, cut at its edges; changes the canvas, and gives it back. */
export function pasteInto(canvas: Pixels, image: Pixels, left: number, top: number): Pixels {
  const [from, to] = [Math.max(left, 0), Math.min(left + image.width, canvas.width)];
  const [first, last] = [Math.max(top, 0), Math.min(top + image.height, canvas.height)];
  if (from >= to) return canvas;
  for (let y = first; y < last; y++) {
    const start = ((y - top) * image.width + from - left) * 4;
    canvas.data.set(image.data.subarray(start, start + (to - from) * 4), (y * canvas.width + from) * 4);
  }
  return canvas;
}
