import type { Pixels } from "./pixels.js";
import { RgbaImage } from "./rgba-image.js";

/**
 * Images of one size as one image, row by row. (Diffusers: `make_image_grid`.) A last row that is not full ends transparent.
 *
 * @param columns images per row; all in one row when left out.
 * @throws RangeError when there is no image, the sizes differ, or `columns` is not a positive integer.
 * @example
 * ```ts
 * const tile = new RgbaImage({ width: 3, height: 2, data: new Uint8Array(24) });
 * const sheet = makeImageGrid([tile, tile, tile], 2); // 6 wide and 4 high
 * ```
 */
export function makeImageGrid(images: readonly Pixels[], columns: number = images.length): RgbaImage {
  const [first] = images;
  if (!first) throw new RangeError("images: expected at least one image, got none");
  if (!Number.isInteger(columns) || columns < 1)
    throw new RangeError(`columns: expected a positive integer, got ${columns}`);
  const { width, height } = first;
  const sheetWidth = columns * width;
  const sheetHeight = Math.ceil(images.length / columns) * height;
  const data = new Uint8ClampedArray(sheetWidth * sheetHeight * 4);
  images.forEach((image, i) => {
    checkSize(image, first, i);
    const corner = Math.floor(i / columns) * height * sheetWidth + (i % columns) * width;
    for (let line = 0; line < height; line++) {
      data.set(image.data.subarray(line * width * 4, (line + 1) * width * 4), (corner + line * sheetWidth) * 4);
    }
  });
  return new RgbaImage({ width: sheetWidth, height: sheetHeight, data });
}

function checkSize(image: Pixels, { width, height }: Pixels, i: number): void {
  if (image.width === width && image.height === height) return;
  throw new RangeError(`images[${i}]: expected ${width}x${height} as the first, got ${image.width}x${image.height}`);
}
