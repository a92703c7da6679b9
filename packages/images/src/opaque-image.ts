import type { Pixels } from "./pixels.js";
import { RgbaImage } from "./rgba-image.js";

/** The picture without its alpha: colours as they are in the file, also where it is transparent. */
export function opaqueImage({ width, height, data }: Pixels): RgbaImage {
  return new RgbaImage({ width, height, data: data.map((value, i) => (i % 4 === 3 ? 255 : value)) });
}
