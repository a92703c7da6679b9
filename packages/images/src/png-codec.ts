import type { Pixels } from "./pixels.js";
import { invalidImage, type PngChunk, pngSignature, readPngChunks } from "./png-chunks.js";
import { type PngText, withPngText } from "./png-text.js";

/** A picture larger than this (8192 × 8192) is refused before anything is allocated for it. */
export const maxPixels: number = 2 ** 26;

/** Deflate cannot make more than this many bytes out of one. */
const maxInflation = 1032;

/** Samples per pixel by colour type (PNG specification, table 11.1). */
const samplesPerPixel: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly bitsPerPixel: number;
  readonly interlaced: boolean;
}

/** An 8-bit PNG file, without alpha when every pixel is opaque. */
export async function encodePng(pixels: Pixels, text?: PngText): Promise<Uint8Array<ArrayBuffer>> {
  const { PNG } = await import("pngjs");
  const { width, height, data } = pixels;
  const png = Object.assign(new PNG(), { width, height, data: Buffer.from(data.buffer, data.byteOffset, data.length) });
  const bytes = PNG.sync.write(png, { colorType: isOpaque(data) ? 2 : 6 });
  return text ? withPngText(bytes, text) : new Uint8Array(bytes);
}

/**
 * The pixels of a PNG file of any colour type and depth, as 8-bit RGBA.
 *
 * @throws LatentKitError `invalid-image` for anything else.
 */
export async function decodePng(bytes: Uint8Array, name: string): Promise<Pixels> {
  const chunks = readPngChunks(bytes, name);
  const header = readHeader(chunks, name);
  const compressed = chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data);
  checkSize(header, compressed, name);
  const { PNG } = await import("pngjs");
  try {
    if (header.interlaced) await checkInterlaced(header, compressed);
    const { width, height, data } = PNG.sync.read(Buffer.from(withoutTrailer(bytes, chunks)));
    if (data.length !== width * height * 4) throw new RangeError(`${data.length} bytes for ${width}x${height} pixels`);
    return { width, height, data };
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

function readHeader([first, ...rest]: readonly PngChunk[], name: string): PngHeader {
  if (first?.type !== "IHDR" || first.data.length !== 13) throw invalidImage(name, "the PNG has no header");
  // pngjs would take the sizes of the last one
  if (rest.some(({ type }) => type === "IHDR")) throw invalidImage(name, "the PNG has more than one header");
  const view = new DataView(first.data.buffer, first.data.byteOffset, 13);
  const samples = samplesPerPixel[view.getUint8(9)];
  if (samples === undefined) throw invalidImage(name, `the PNG has the unknown colour type ${view.getUint8(9)}`);
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    bitsPerPixel: samples * view.getUint8(8),
    interlaced: view.getUint8(12) !== 0,
  };
}

/** Refuses a header that promises what must not or cannot come. */
function checkSize({ width, height, bitsPerPixel }: PngHeader, compressed: readonly Uint8Array[], name: string): void {
  if (width === 0 || height === 0) throw invalidImage(name, `the PNG has no pixels (${width}x${height})`);
  if (width * height > maxPixels) {
    throw invalidImage(name, `${width}x${height} pixels are more than the ${maxPixels} that are read`);
  }
  const available = compressed.reduce((size, { length }) => size + length, 0);
  if ((width * height * bitsPerPixel) / 8 > available * maxInflation) {
    throw invalidImage(name, `${available} bytes cannot hold ${width}x${height} pixels`);
  }
}

/** pngjs inflates interlaced pictures without a limit, so whether they keep within theirs is tried first. */
async function checkInterlaced(
  { width, height, bitsPerPixel }: PngHeader,
  compressed: readonly Uint8Array[],
): Promise<void> {
  const { inflateSync } = await import("node:zlib");
  // seven passes of at most 2 · height + 7 rows in all, each with a filter byte and a partly filled one
  const maxOutputLength = Math.ceil((width * height * bitsPerPixel) / 8) + 2 * (2 * height + 7);
  inflateSync(Buffer.concat(compressed), { maxOutputLength });
}
