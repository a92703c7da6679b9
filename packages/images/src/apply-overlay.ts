import { type ImageBox, pasteInto } from "./crop-image.js";
import { coverImage } from "./fit-image.js";
import { luma } from "./luma.js";
import type { Pixels } from "./pixels.js";
import { resizeImage } from "./resize-image.js";
import { RgbaImage } from "./rgba-image.js";

/**
 * A repainted picture with the original over it wherever the mask is black, byte for byte as Diffusers'
 * `VaeImageProcessor.apply_overlay` makes it; grey parts of the mask are mixed. A picture of another size is brought to
 * the original's.
 *
 * @param mask white where the picture was repainted, of the original's size; its alpha has no say.
 * @param box the part of the original that was repainted. @default all of it
 * @throws RangeError when mask and original differ in size.
 * @example
 * ```ts
 * const blank = new RgbaImage({ width: 1, height: 1, data: new Uint8Array(4) });
 * const [original, mask, repainted] = [blank, blank, blank];
 * applyOverlay(mask, original, repainted).data; // the original's, for the mask is black
 * ```
 */
export function applyOverlay(mask: Pixels, original: Pixels, repainted: Pixels, box?: ImageBox): RgbaImage {
  const { width, height } = original;
  if (mask.width !== width || mask.height !== height)
    throw new RangeError(`mask: expected the picture's size, ${width}x${height}, got ${mask.width}x${mask.height}`);
  const under = box ? placed(repainted, original, box) : resizeImage(repainted, original);
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < data.length; i += 4) {
    const keep = 255 - luma(mask.data[i]!, mask.data[i + 1]!, mask.data[i + 2]!);
    const alpha = scaled(original.data[i + 3]!, keep);
    for (let c = i; c < i + 3; c++) data[c] = over(kept(original.data, c, keep, alpha), under.data[c]!, alpha);
  }
  return new RgbaImage({ width, height, data });
}

/** The repainted part where it belongs, with black around it. */
function placed(part: Pixels, { width, height }: Pixels, box: ImageBox): Pixels {
  const canvas = { width, height, data: new Uint8ClampedArray(width * height * 4) };
  return pasteInto(canvas, coverImage(part, box), box.left, box.top);
}

/** A colour on its way through Pillow's premultiplied mode, which cuts what it cannot hold. */
function kept(pixels: Pixels["data"], at: number, keep: number, alpha: number): number {
  const colour = scaled(scaled(pixels[at]!, pixels[at | 3]!), keep);
  if (alpha === 0 || alpha === 255) return colour;
  return Math.min(Math.trunc((255 * colour) / alpha), 255);
}

/** a · b / 255, rounded as Pillow does (`MULDIV255`). */
function scaled(a: number, b: number): number {
  return shifted(a * b + 128);
}

/** One colour over another, opaque one, with the seven more bits of Pillow's `alpha_composite`. */
function over(top: number, bottom: number, alpha: number): number {
  return alpha === 0 ? bottom : shifted((top * alpha + bottom * (255 - alpha) + 128) << 7) >> 7;
}

const shifted = (value: number): number => ((value >> 8) + value) >> 8;
