import { opaqueImage } from "./opaque-image.js";
import type { Pixels } from "./pixels.js";
import { resizeImage } from "./resize-image.js";
import type { RgbaImage } from "./rgba-image.js";

/** How much is left to invent. */
export interface TileOptions {
  /** How many times smaller the picture is made in between, to each side. @default 4 */
  readonly factor?: number;
}

/**
 * The picture without its details, for ControlNets that draw them anew ("tile"): made smaller, then as large as it was, by
 * Lanczos' filter. Alpha has no say.
 *
 * @throws RangeError for a factor below 1.
 * @example
 * ```ts
 * const condition = tile(await loadImage("blurry.png"), { factor: 8 });
 * ```
 */
export function tile(image: Pixels, { factor = 4 }: TileOptions = {}): RgbaImage {
  if (!(factor >= 1 && Number.isFinite(factor)))
    throw new RangeError(`factor: expected a number of 1 or more, got ${factor}`);
  const smaller = (side: number) => Math.max(Math.round(side / factor), 1);
  const { width, height } = image;
  return resizeImage(resizeImage(opaqueImage(image), { width: smaller(width), height: smaller(height) }), {
    width,
    height,
  });
}
