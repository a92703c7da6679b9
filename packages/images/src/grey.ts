import { luma } from "./luma.js";
import type { Pixels } from "./pixels.js";
import type { ImageSize } from "./resize-image.js";
import { RgbaImage } from "./rgba-image.js";

/**
 * The picture without colour (Pillow's `convert("L")`), for ControlNets that colour it anew. Alpha has no say.
 *
 * @example
 * ```ts
 * const condition = grey(await loadImage("photo.png"));
 * ```
 */
export function grey(image: Pixels): RgbaImage {
  const brightness = brightnessOf(image);
  return greyImage(image, (x, y) => brightness[y * image.width + x]!);
}

/** How bright each pixel is, from 0 to 255. */
export function brightnessOf({ width, height, data }: Pixels): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => luma(data[4 * i]!, data[4 * i + 1]!, data[4 * i + 2]!));
}

/** An opaque picture of the brightness that a function gives for each pixel. */
export function greyImage({ width, height }: ImageSize, brightnessAt: (x: number, y: number) => number): RgbaImage {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at += 4) data.fill(brightnessAt(x, y), at, at + 3);
  return new RgbaImage({ width, height, data });
}
