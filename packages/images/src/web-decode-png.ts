import type { Pixels } from "./pixels.js";
import type { PngFile } from "./platform.js";
import { checkPngSums, type PngChunk } from "./png-chunks.js";
import { predictors } from "./png-filters.js";
import { bitsPerPixel, compressedParts, type PngHeader } from "./png-header.js";
import { inflate } from "./web-deflate.js";

/** Bits that a sample may have, by colour type (PNG specification, table 11.1). */
const depths: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** Every n-th pixel of a picture, which is stored as a picture of its own. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
}

/** The seven passes of an interlaced picture (§8.2). */
const adam7: readonly Pass[] = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];

/**
 * The pixels of a PNG file. Not by way of a canvas: that changes the colours of transparent pixels, and all colours where
 * the file has a colour profile.
 */
export async function decodePixels({ chunks, header }: PngFile): Promise<Pixels> {
  checkPngSums(chunks);
  const { width, height, depth, colourType, interlace } = header;
  if (depths[colourType]?.includes(depth) !== true)
    throw new RangeError(`colour type ${colourType} with ${depth} bits per sample`);
  if (interlace > 1) throw new RangeError(`unknown interlace method ${interlace}`);
  const passes = interlace === 0 ? [{ x: 0, y: 0, dx: 1, dy: 1 }] : adam7;
  const sizes = passes.map((pass) => sizeOf(pass, header));
  const total = sizes.reduce((sum, { rows, rowLength }) => sum + rows * (1 + rowLength), 0);
  const lines = await inflate(compressedParts(chunks), total);
  const data = new Uint8ClampedArray(width * height * 4);
  const paint = painter(chunks, header);
  let at = 0;
  passes.forEach((pass, i) => {
    const { columns, rows, rowLength } = sizes[i]!;
    let above: Uint8Array = new Uint8Array(rowLength);
    for (let row = 0; row < rows; row++, at += 1 + rowLength) {
      above = unfiltered(lines.subarray(at, at + 1 + rowLength), above, Math.max(bitsPerPixel(header) >> 3, 1));
      const start = (pass.y + row * pass.dy) * width + pass.x;
      for (let i = 0; i < columns; i++) data.set(paint(above, i), 4 * (start + i * pass.dx));
    }
  });
  return { width, height, data };
}

function sizeOf({ x, y, dx, dy }: Pass, header: PngHeader) {
  const columns = Math.max(Math.ceil((header.width - x) / dx), 0);
  const rows = columns === 0 ? 0 : Math.max(Math.ceil((header.height - y) / dy), 0);
  return { columns, rows, rowLength: Math.ceil((columns * bitsPerPixel(header)) / 8) };
}

function unfiltered(line: Uint8Array, above: Uint8Array, step: number): Uint8Array {
  const predict = predictors[line[0]!];
  if (!predict) throw new RangeError(`unknown filter type ${line[0]}`);
  const row = line.slice(1);
  for (let i = 0; i < row.length; i++) {
    const [left, corner] = i < step ? [0, 0] : [row[i - step]!, above[i - step]!];
    row[i] = row[i]! + predict(left, above[i]!, corner);
  }
  return row;
}

/** Gives the red, green, blue and alpha of a row's i-th pixel. */
function painter(chunks: readonly PngChunk[], header: PngHeader): (row: Uint8Array, i: number) => readonly number[] {
  const { depth, colourType, samples } = header;
  const read = (row: Uint8Array, i: number) => sampleAt(row, i, depth);
  const most = 2 ** depth - 1;
  const toByte = (sample: number) => Math.floor((sample * 255) / most + 0.5);
  if (colourType === 3) return paletteColours(chunks, read);
  const clear = clearColour(chunks, colourType);
  return (row, i) => {
    const values = Array.from({ length: samples }, (_, k) => read(row, i * samples + k));
    const isClear = clear !== undefined && values.every((value, k) => value === clear[k]);
    // as on Node, where pngjs takes the colour away too
    if (isClear) return [0, 0, 0, 0];
    const [a = 0, b = 255, c = 0, alpha = 255] = values.map(toByte);
    return samples < 3 ? [a, a, a, b] : [a, b, c, alpha];
  };
}

/** The i-th sample of a row; small ones lie several in a byte, the first in its high bits. */
function sampleAt(row: Uint8Array, i: number, depth: number): number {
  if (depth === 8) return row[i]!;
  if (depth === 16) return 256 * row[2 * i]! + row[2 * i + 1]!;
  const bit = i * depth;
  return (row[bit >> 3]! >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}

function paletteColours(chunks: readonly PngChunk[], read: (row: Uint8Array, i: number) => number) {
  const palette = chunkData(chunks, "PLTE");
  if (!palette || palette.length % 3 !== 0) throw new RangeError("no palette");
  const alphas = chunkData(chunks, "tRNS");
  return (row: Uint8Array, i: number) => {
    const index = read(row, i);
    if (3 * index >= palette.length) throw new RangeError(`colour ${index} is not in the palette`);
    return [...palette.subarray(3 * index, 3 * index + 3), alphas?.[index] ?? 255];
  };
}

/** The one colour that is transparent, for pictures without alpha (§11.3.2.1). */
function clearColour(chunks: readonly PngChunk[], colourType: number): readonly number[] | undefined {
  const data = colourType < 3 ? chunkData(chunks, "tRNS") : undefined;
  return data && Array.from({ length: data.length >> 1 }, (_, k) => sampleAt(data, k, 16));
}

function chunkData(chunks: readonly PngChunk[], type: string): Uint8Array | undefined {
  return chunks.find((chunk) => chunk.type === type)?.data;
}
