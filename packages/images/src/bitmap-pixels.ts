import type { Pixels } from "./pixels.js";
import { maxPixels } from "./png-header.js";

/** What a canvas makes of a browser's own picture. */
export function bitmapPixels(bitmap: ImageBitmap): Pixels {
  if (bitmap.width * bitmap.height > maxPixels)
    throw new RangeError(`${bitmap.width}x${bitmap.height} are more than ${maxPixels} pixels`);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("the browser gave no canvas to decode on");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}
