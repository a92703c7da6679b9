import { brightnessOf, greyImage } from "./grey.js";
import type { Pixels } from "./pixels.js";
import type { RgbaImage } from "./rgba-image.js";

/** How distances are drawn. */
export interface DepthOptions {
  /** For pictures in which what is far is bright: ControlNets know near things as bright. @default false */
  readonly invert?: boolean;
}

/**
 * A picture of distances as ControlNets of depth know it: grey, from black for the farthest to white for the nearest. Alpha
 * has no say; a picture of one brightness keeps it.
 *
 * @example
 * ```ts
 * const condition = depth(await loadImage("z-buffer.png"), { invert: true });
 * ```
 */
export function depth(image: Pixels, { invert = false }: DepthOptions = {}): RgbaImage {
  const values = brightnessOf(image);
  const darkest = values.reduce((least, value) => Math.min(least, value), 255);
  const range = values.reduce((most, value) => Math.max(most, value), 0) - darkest;
  return greyImage(image, (x, y) => {
    const value = values[y * image.width + x]!;
    const spread = range === 0 ? value : ((value - darkest) / range) * 255;
    return Math.round(invert ? 255 - spread : spread);
  });
}
