import { type Tensor, tensor } from "@latentkit/core";
import { luma } from "./luma.js";
import type { Pixels } from "./pixels.js";
import { RgbaImage } from "./rgba-image.js";

/** A mask picture as a tensor `[1, 1, height, width]`: 1 where it is half white or brighter, else 0; alpha has no say. */
export function maskTensor({ width, height, data }: Pixels): Tensor {
  const bright = (i: number) => luma(data[4 * i]!, data[4 * i + 1]!, data[4 * i + 2]!) / 255 >= 0.5;
  return tensor(
    Float32Array.from({ length: width * height }, (_, i) => (bright(i) ? 1 : 0)),
    [1, 1, height, width],
  );
}

/**
 * A mask of what is transparent: white where the picture has been erased, black where it is opaque.
 *
 * @example
 * ```ts
 * const erased = new RgbaImage({ width: 2, height: 1, data: new Uint8Array([9, 9, 9, 255, 9, 9, 9, 0]) });
 * maskFromAlpha(erased).data[4]; // 255
 * ```
 */
export function maskFromAlpha({ width, height, data }: Pixels): RgbaImage {
  return new RgbaImage({ width, height, data: data.map((_, i) => (i % 4 === 3 ? 255 : 255 - data[i | 3]!)) });
}
