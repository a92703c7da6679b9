import type { ImageBox } from "./crop-image.js";
import { luma } from "./luma.js";
import type { Pixels } from "./pixels.js";
import type { ImageSize } from "./resize-image.js";

/** From one side to the other, the second one excluded. */
type Span = readonly [from: number, to: number];

/**
 * The part of a picture that a mask asks to repaint, with some of its surroundings, grown to the proportions of `size`
 * as far as the picture goes (Diffusers' `VaeImageProcessor.get_crop_region`).
 *
 * @param padding pixels around the mask that are taken along.
 * @throws RangeError when the mask is all black.
 * @example
 * ```ts
 * const mask = new RgbaImage({ width: 2, height: 1, data: new Uint8Array([0, 0, 0, 255, 255, 255, 255, 255]) });
 * maskRegion(mask, { width: 64, height: 64 }, 0); // { left: 1, top: 0, width: 1, height: 1 }
 * ```
 */
export function maskRegion(mask: Pixels, size: ImageSize, padding: number): ImageBox {
  const [x, y] = bounds(mask);
  const horizontal = padded(x, padding, mask.width);
  const vertical = padded(y, padding, mask.height);
  const ratio = size.width / size.height;
  const [width, height] = [horizontal[1] - horizontal[0], vertical[1] - vertical[0]];
  const isWide = width / height > ratio;
  const [left, right] = isWide ? horizontal : grown(horizontal, Math.trunc(height * ratio - width), mask.width);
  const [top, bottom] = isWide ? grown(vertical, Math.trunc(width / ratio - height), mask.height) : vertical;
  return { left, top, width: right - left, height: bottom - top };
}

/** Where the mask is not black. */
function bounds({ width, height, data }: Pixels): readonly [Span, Span] {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let i = 0; i < width * height; i++) {
    if (luma(data[4 * i]!, data[4 * i + 1]!, data[4 * i + 2]!) === 0) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
  }
  if (right === 0) throw new RangeError("mask: expected a white part, got none");
  return [
    [left, right],
    [top, bottom],
  ];
}

const padded = ([from, to]: Span, padding: number, length: number): Span => [
  Math.max(from - padding, 0),
  Math.min(to + padding, length),
];

/** Longer by so much on both sides, moved back into the picture, and cut where it is longer than that. */
function grown([from, to]: Span, by: number, length: number): Span {
  const before = from - Math.floor(by / 2);
  const start = before - Math.max(to + by - Math.floor(by / 2) - length, 0);
  return [Math.max(start, 0), Math.min(Math.max(start, 0) + to - from + by, length)];
}
