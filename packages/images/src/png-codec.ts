import type { Pixels } from "./pixels.js";
import { invalidImage, type PngChunk, pngSignature, readPngChunks } from "./png-chunks.js";
import { readPngHeader } from "./png-header.js";
import { type PngText, withPngText } from "./png-text.js";

/** An 8-bit PNG file, without alpha when every pixel is opaque. */
export async function encodePng(pixels: Pixels, text?: PngText): Promise<Uint8Array<ArrayBuffer>> {
  const { encodePixels } = await import("@latentkit/images/platform");
  const bytes = await encodePixels(pixels, isOpaque(pixels.data));
  return text ? withPngText(bytes, text) : bytes;
}

/**
 * The pixels of a PNG file of any colour type and depth, as 8-bit RGBA.
 *
 * @throws LatentKitError `invalid-image` for anything else.
 */
export async function decodePng(bytes: Uint8Array, name: string): Promise<Pixels> {
  const chunks = readPngChunks(bytes, name);
  const header = readPngHeader(chunks, name);
  const { decodePixels } = await import("@latentkit/images/platform");
  try {
    const pixels = await decodePixels({ bytes: withoutTrailer(bytes, chunks), chunks, header });
    const { width, height, data } = pixels;
    if (data.length !== width * height * 4) throw new RangeError(`${data.length} bytes for ${width}x${height} pixels`);
    return pixels;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalidImage(name, `the PNG is damaged (${reason})`, cause);
  }
}

function isOpaque(data: Pixels["data"]): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

function withoutTrailer(bytes: Uint8Array, chunks: readonly PngChunk[]): Uint8Array {
  return bytes.subarray(
    0,
    chunks.reduce((size, { data }) => size + 12 + data.length, pngSignature.length),
  );
}
