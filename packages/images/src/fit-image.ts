import { pasteInto } from "./crop-image.js";
import { opaqueImage } from "./opaque-image.js";
import type { Pixels } from "./pixels.js";
import { type ImageSize, resizeImage } from "./resize-image.js";
import { RgbaImage } from "./rgba-image.js";

/** The whole picture in a frame, and what its edges are continued with (Diffusers' `resize_mode="fill"`). */
export function fillImage(image: Pixels, size: ImageSize): RgbaImage {
  const { width, height } = size;
  const isWider = width * image.height < image.width * height;
  const resized = resizeImage(
    opaqueImage(image),
    isWider
      ? { width, height: shareOf(image.height, width, image.width) }
      : { width: shareOf(image.width, height, image.height), height },
  );
  const canvas = blackCanvas(size);
  const [left, top] = centred(resized, size);
  pasteInto(canvas, resized, left, top);
  for (let y = 0; y < top; y++) {
    pasteInto(canvas, edgeRow(resized, 0, 1), 0, y);
    pasteInto(canvas, edgeRow(resized, resized.height - 1, -1), 0, top + resized.height + y);
  }
  for (let x = 0; x < left; x++) {
    pasteInto(canvas, edgeColumn(resized, 0, 1), x, 0);
    pasteInto(canvas, edgeColumn(resized, resized.width - 1, -1), left + resized.width + x, 0);
  }
  return new RgbaImage(canvas);
}

/** The middle of the picture in a frame that it covers (Diffusers' `resize_mode="crop"`). */
export function coverImage(image: Pixels, size: ImageSize): RgbaImage {
  const { width, height } = size;
  const isWider = width * image.height > image.width * height;
  const resized = resizeImage(
    opaqueImage(image),
    isWider
      ? { width, height: shareOf(image.height, width, image.width) }
      : { width: shareOf(image.width, height, image.height), height },
  );
  return new RgbaImage(pasteInto(blackCanvas(size), resized, ...centred(resized, size)));
}

/** The other side of a picture one of whose sides becomes `to`; Diffusers rounds down. */
const shareOf = (side: number, to: number, from: number): number => Math.max(Math.floor((side * to) / from), 1);

function centred(inner: ImageSize, outer: ImageSize): [left: number, top: number] {
  const half = (side: number) => Math.floor(side / 2);
  return [half(outer.width) - half(inner.width), half(outer.height) - half(inner.height)];
}

function blackCanvas({ width, height }: ImageSize): Pixels {
  return { width, height, data: new Uint8ClampedArray(width * height * 4).map((_, i) => (i % 4 === 3 ? 255 : 0)) };
}

/** What Pillow makes of a box without height: its cubic filter there, 9/8 of the last row less 1/8 of the one before. */
function edgeRow(image: Pixels, row: number, inwards: number): Pixels {
  const next = Math.min(Math.max(row + inwards, 0), image.height - 1);
  const start = (y: number) => y * image.width * 4;
  const data = new Uint8ClampedArray(image.width * 4);
  for (let i = 0; i < data.length; i++) data[i] = continued(image.data[start(row) + i]!, image.data[start(next) + i]!);
  return { width: image.width, height: 1, data };
}

/** The same for a box without width. */
function edgeColumn(image: Pixels, column: number, inwards: number): Pixels {
  const next = Math.min(Math.max(column + inwards, 0), image.width - 1);
  const data = new Uint8ClampedArray(image.height * 4);
  const at = (x: number, i: number) => image.data[(Math.floor(i / 4) * image.width + x) * 4 + (i % 4)]!;
  for (let i = 0; i < data.length; i++) data[i] = continued(at(column, i), at(next, i));
  return { width: 1, height: image.height, data };
}

/** Halves are rounded up, as Pillow's fixed-point sums are. */
const continued = (edge: number, before: number): number => Math.floor((9 * edge - before) / 8 + 0.5);
