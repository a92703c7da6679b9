import type { Pixels } from "./pixels.js";
import { invalidImage } from "./png-chunks.js";

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
  const { decodePicture } = await import("@latentkit/images/platform");
  try {
    return await decodePicture(bytes);
  } catch (cause) {
    if (cause instanceof Error && cause.name === "MissingDecoder")
      throw invalidImage(name, `${format}, ${cause.message}`, cause);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalidImage(name, `${format} that cannot be read (${reason})`, cause);
  }
}

function formatOf(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  return Object.entries(formats).find(([, pattern]) => pattern.test(head))?.[0];
}
