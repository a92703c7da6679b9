import type { Pixels } from "./pixels.js";
import { invalidImage } from "./png-chunks.js";
import { maxPixels } from "./png-codec.js";

/** Formats that are known by their first bytes, and read by the platform's own decoder or by sharp. */
const formats: Readonly<Record<string, RegExp>> = {
  "a JPEG file": /^\xff\xd8\xff/,
  "a WebP file": /^RIFF.{4}WEBP/s,
  "an AVIF file": /^.{4}ftypavi[fs]/s,
  "a GIF file": /^GIF8/,
  "a TIFF file": /^(II\*\0|MM\0\*)/,
};

/**
 * The pixels of a picture that is no PNG file: the first frame, turned as its EXIF tag says, in sRGB.
 * Browsers decode it themselves; Node asks the package `sharp`, where it is installed.
 *
 * @throws LatentKitError `invalid-image` for other files, broken ones, and without sharp.
 */
export async function decodeOther(bytes: Uint8Array, name: string): Promise<Pixels> {
  const format = formatOf(bytes);
  if (format === undefined)
    throw invalidImage(name, bytes.length === 0 ? "an empty file" : "not a PNG, JPEG or WebP file");
  try {
    return typeof createImageBitmap === "function" ? await decodeInBrowser(bytes) : await decodeWithSharp(bytes);
  } catch (cause) {
    if (cause instanceof MissingSharp)
      throw invalidImage(name, `${format}, which is read by the package sharp: npm install sharp`, cause);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalidImage(name, `${format} that cannot be read (${reason})`, cause);
  }
}

class MissingSharp extends Error {}

function formatOf(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  return Object.entries(formats).find(([, pattern]) => pattern.test(head))?.[0];
}

async function decodeWithSharp(bytes: Uint8Array): Promise<Pixels> {
  const { default: sharp } = await import("sharp").catch((cause: unknown) => {
    throw new MissingSharp("sharp cannot be loaded", { cause });
  });
  const picture = sharp(bytes, { limitInputPixels: maxPixels }).rotate().toColourspace("srgb").ensureAlpha();
  const { data, info } = await picture.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

async function decodeInBrowser(bytes: Uint8Array): Promise<Pixels> {
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]), { imageOrientation: "from-image" });
  try {
    return pixelsOfBitmap(bitmap);
  } finally {
    bitmap.close();
  }
}

/** What a canvas makes of a browser's own picture. */
export function pixelsOfBitmap(bitmap: ImageBitmap): Pixels {
  if (bitmap.width * bitmap.height > maxPixels)
    throw new RangeError(`${bitmap.width}x${bitmap.height} are more than ${maxPixels} pixels`);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("the browser gave no canvas to decode on");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}
