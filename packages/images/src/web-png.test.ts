import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as node from "./node.js";
import type { ImagePlatform, PngFile } from "./platform.js";
import { type PngChunk, readPngChunks, writePngChunks } from "./png-chunks.js";
import { readPngHeader } from "./png-header.js";
import * as web from "./web.js";
import { deflate } from "./web-deflate.js";

const platforms: readonly ImagePlatform[] = [node, web];

function file(bytes: Uint8Array): PngFile {
  const chunks = readPngChunks(bytes, "test");
  return { bytes, chunks, header: readPngHeader(chunks, "test") };
}

/** A picture of any kind, its lines filled with random filters and bytes. */
const kinds = fc.constantFrom(
  ...Object.entries({ 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] }).flatMap(
    ([colour, depths]) => depths.map((depth) => ({ colour: Number(colour), depth })),
  ),
);
const pictures = fc.record({
  kind: kinds,
  width: fc.integer({ min: 1, max: 19 }),
  height: fc.integer({ min: 1, max: 13 }),
  seed: fc.infiniteStream(fc.nat(255)),
  hasClear: fc.boolean(),
});

describe("a PNG file", () => {
  it("of any kind has the same pixels in browsers as on Node", async () => {
    await fc.assert(
      fc.asyncProperty(pictures, async ({ kind: { colour, depth }, width, height, seed, hasClear }) => {
        const next = () => seed.next().value;
        const samples = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[colour] ?? 0;
        const rowLength = Math.ceil((width * samples * depth) / 8);
        const lines = Uint8Array.from({ length: height * (1 + rowLength) }, (_, i) =>
          i % (1 + rowLength) === 0 ? next() % 5 : next(),
        );
        const header = new Uint8Array(13);
        new DataView(header.buffer).setUint32(0, width);
        new DataView(header.buffer).setUint32(4, height);
        header.set([depth, colour], 8);
        const palette = { type: "PLTE", data: Uint8Array.from({ length: 3 * 2 ** depth }, next) };
        const clear = {
          type: "tRNS",
          data: Uint8Array.from({ length: colour === 3 ? 2 : 2 * samples }, () => next() % 2),
        };
        const chunks: PngChunk[] = [
          { type: "IHDR", data: header },
          ...(colour === 3 ? [palette] : []),
          ...(hasClear && colour < 4 ? [clear] : []),
          { type: "IDAT", data: await deflate(lines) },
          { type: "IEND", data: new Uint8Array() },
        ];
        const [expected, found] = await Promise.all(
          platforms.map((one) => one.decodePixels(file(writePngChunks(chunks)))),
        );
        expect([...found!.data]).toEqual([...expected!.data]);
      }),
      { numRuns: 300 },
    );
  });

  it("written by one is read by the other", async () => {
    const data = Uint8Array.from({ length: 40 * 30 * 4 }, (_, i) => (i % 4 === 3 ? 255 - (i >> 6) : (i * i) >> 5));
    for (const [writer, reader] of [platforms, [...platforms].reverse()]) {
      const bytes = await writer!.encodePixels({ width: 40, height: 30, data }, false);
      const pixels = await reader!.decodePixels(file(bytes));
      expect([...pixels.data]).toEqual([...data]);
    }
  });

  it("with a wrong checksum is refused", async () => {
    const bytes = await web.encodePixels({ width: 2, height: 1, data: new Uint8Array(8) }, false);
    bytes[8 + 8 + 12 + 4] = 7;
    await expect(web.decodePixels(file(bytes))).rejects.toThrow("checksum of IHDR");
  });
});
