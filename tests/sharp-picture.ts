import type { Pixels } from "@latentkit/images";

/** A picture of sharp edges; `transparent` gives it an alpha of its own. */
export function sharpPicture(width: number, height: number, transparent = false): Pixels {
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const alpha = transparent ? 255 - ((x * 23 + y * 41) % 256) : 255;
      data.set([(x * 37 + y * 11) % 256, (x * y * 5) % 256, (x * x + 3 * y) % 256, alpha], (y * width + x) * 4);
    }
  return { width, height, data };
}
