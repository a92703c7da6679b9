import type { Pixels } from "./pixels.js";
import { writePngChunks } from "./png-chunks.js";
import { predictors } from "./png-filters.js";
import { deflate } from "./web-deflate.js";

/** An 8-bit PNG file, each row with the filter that leaves the smallest bytes. */
export async function encodePixels(pixels: Pixels, isOpaque: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, data } = pixels;
  const samples = isOpaque ? 3 : 4;
  const rowLength = width * samples;
  const lines = new Uint8Array(height * (1 + rowLength));
  let above: Uint8Array = new Uint8Array(rowLength);
  for (let y = 0; y < height; y++) {
    const row = samplesOf(data.subarray(4 * y * width, 4 * (y + 1) * width), samples);
    lines.set(smallestLine(row, above, samples), y * (1 + rowLength));
    above = row;
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, isOpaque ? 2 : 6], 8);
  return writePngChunks([
    { type: "IHDR", data: header },
    { type: "IDAT", data: await deflate(lines) },
    { type: "IEND", data: new Uint8Array() },
  ]);
}

function samplesOf(pixels: Pixels["data"], samples: number): Uint8Array {
  if (samples === 4) return new Uint8Array(pixels);
  return new Uint8Array((pixels.length / 4) * 3).map((_, i) => pixels[4 * Math.floor(i / 3) + (i % 3)]!);
}

function smallestLine(row: Uint8Array, above: Uint8Array, step: number): Uint8Array {
  const lines = predictors.map((_, filter) => filtered(row, above, step, filter));
  const costs = lines.map(cost);
  return lines[costs.indexOf(Math.min(...costs))]!;
}

/** A filter's number and the differences from its expectation. */
function filtered(row: Uint8Array, above: Uint8Array, step: number, filter: number): Uint8Array {
  const predict = predictors[filter]!;
  const line = new Uint8Array(1 + row.length);
  line[0] = filter;
  for (let i = 0; i < row.length; i++) {
    const [left, corner] = i < step ? [0, 0] : [row[i - step]!, above[i - step]!];
    line[i + 1] = row[i]! - predict(left, above[i]!, corner);
  }
  return line;
}

/** The sum of the differences, as signed bytes (PNG specification, §12.7). */
function cost(line: Uint8Array): number {
  let sum = 0;
  for (let i = 1; i < line.length; i++) sum += line[i]! < 128 ? line[i]! : 256 - line[i]!;
  return sum;
}
