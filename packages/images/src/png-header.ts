import { invalidImage, type PngChunk } from "./png-chunks.js";

/** A picture larger than this (8192 × 8192) is refused before anything is allocated for it. */
export const maxPixels: number = 2 ** 26;

/** Deflate cannot make more than this many bytes out of one. */
const maxInflation = 1032;

/** Samples per pixel by colour type (PNG specification, table 11.1). */
const samplesPerPixel: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** What the first chunk of a PNG file says. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
  readonly colourType: number;
  readonly samples: number;
  /** 0, or 1 for seven passes. */
  readonly interlace: number;
}

/** Reads the header, and refuses what must not or cannot come behind it. */
export function readPngHeader(chunks: readonly PngChunk[], name: string): PngHeader {
  const header = headerOf(chunks, name);
  const { width, height } = header;
  if (width === 0 || height === 0) throw invalidImage(name, `the PNG has no pixels (${width}x${height})`);
  if (width * height > maxPixels) {
    throw invalidImage(name, `${width}x${height} pixels are more than the ${maxPixels} that are read`);
  }
  const available = compressedParts(chunks).reduce((size, { length }) => size + length, 0);
  if ((width * height * bitsPerPixel(header)) / 8 > available * maxInflation) {
    throw invalidImage(name, `${available} bytes cannot hold ${width}x${height} pixels`);
  }
  return header;
}

export function bitsPerPixel({ depth, samples }: PngHeader): number {
  return depth * samples;
}

/** The compressed pixels. */
export function compressedParts(chunks: readonly PngChunk[]): Uint8Array[] {
  return chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data);
}

function headerOf([first, ...rest]: readonly PngChunk[], name: string): PngHeader {
  if (first?.type !== "IHDR" || first.data.length !== 13) throw invalidImage(name, "the PNG has no header");
  // decoders would take the sizes of the last one
  if (rest.some(({ type }) => type === "IHDR")) throw invalidImage(name, "the PNG has more than one header");
  const view = new DataView(first.data.buffer, first.data.byteOffset, 13);
  const colourType = view.getUint8(9);
  const samples = samplesPerPixel[colourType];
  if (samples === undefined) throw invalidImage(name, `the PNG has the unknown colour type ${colourType}`);
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    depth: view.getUint8(8),
    colourType,
    samples,
    interlace: view.getUint8(12),
  };
}
