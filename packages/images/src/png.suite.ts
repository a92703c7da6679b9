import { LatentKitError } from "@latentkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadImage, pngText, RgbaImage } from "./index.js";
import { type PngChunk, readPngChunks, writePngChunks } from "./png-chunks.js";
import { deflate } from "./web-deflate.js";

/** A PNG file made without the encoder under test: header fields as given, scan lines as given. */
export async function png(
  header: Header,
  lines: Uint8Array<ArrayBuffer>,
  before: readonly PngChunk[] = [],
): Promise<Uint8Array> {
  const { width, height, depth = 8, colour, interlace = 0 } = header;
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  data.set([depth, colour, 0, 0, interlace], 8);
  const image = { type: "IDAT", data: await deflate(lines) };
  return writePngChunks([{ type: "IHDR", data }, ...before, image, { type: "IEND", data: new Uint8Array() }]);
}
/** Header fields of a file. */
export interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth?: number;
  readonly colour: number;
  readonly interlace?: number;
}

/** Start and step of the seven passes over an interlaced picture, x then y (PNG specification, §8.2). */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

function interlacedGrey(width: number, height: number, at: (x: number, y: number) => number): Promise<Uint8Array> {
  const lines = adam7.flatMap(([x0, y0, dx, dy]) => {
    const rows: number[] = [];
    for (let y = y0; y < height && x0 < width; y += dy) {
      rows.push(0);
      for (let x = x0; x < width; x += dx) rows.push(at(x, y));
    }
    return rows;
  });
  return png({ width, height, colour: 0, interlace: 1 }, Uint8Array.from(lines));
}

const image = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 7 })).chain(([width, height]) => {
  const size = width * height * 4;
  return fc.uint8Array({ minLength: size, maxLength: size }).map((data) => new RgbaImage({ width, height, data }));
});

const picture = new RgbaImage({ width: 5, height: 3, data: Uint8Array.from({ length: 60 }, (_, i) => (i * 37) % 256) });

export async function expectInvalid(bytes: Uint8Array, message: RegExp): Promise<void> {
  const error = await loadImage(bytes).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    name: "LatentKitError",
    code: "invalid-image",
    message: expect.stringMatching(message),
  });
}

/** What holds of PNG files on Node and in browsers. */
export function pngSuite(): void {
  describe("PNG", () => {
    it("comes back as it was, with and without alpha", async () => {
      await fc.assert(
        fc.asyncProperty(image, async (original) => {
          const opaque = new RgbaImage({
            ...original,
            data: original.data.map((byte, i) => (i % 4 === 3 ? 255 : byte)),
          });
          for (const one of [original, opaque]) expect(await loadImage(await one.toPng())).toEqual(one);
        }),
      );
    });

    it("has three samples per pixel when every pixel is opaque, else four", async () => {
      const colourType = async (one: RgbaImage) => readPngChunks(await one.toPng(), "test")[0]?.data[9];
      const opaque = new RgbaImage({ width: 2, height: 1, data: new Uint8Array(8).fill(255) });
      expect(await colourType(opaque)).toBe(2);
      expect(await colourType(picture)).toBe(6);
    });

    it("is read from grey, 16-bit, palette and interlaced files", async () => {
      const red = [255, 0, 0, 255];
      const grey = (value: number) => [value, value, value, 255];
      const twoByOne = { width: 2, height: 1 };
      const palette = { type: "PLTE", data: Uint8Array.from([7, 7, 7, 255, 0, 0]) };
      const read = async (bytes: Uint8Array) => [...(await loadImage(bytes)).data];
      expect(await read(await png({ ...twoByOne, colour: 0 }, Uint8Array.from([0, 9, 200])))).toEqual([
        ...grey(9),
        ...grey(200),
      ]);
      const sixteen = await png(
        { ...twoByOne, colour: 2, depth: 16 },
        Uint8Array.from([0, 255, 255, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9]),
      );
      expect(await read(sixteen)).toEqual([...red, ...grey(9)]);
      expect(await read(await png({ ...twoByOne, colour: 3 }, Uint8Array.from([0, 0, 1]), [palette]))).toEqual([
        ...grey(7),
        ...red,
      ]);
      const { data } = await loadImage(await interlacedGrey(11, 7, (x, y) => 20 * y + x));
      expect([...data]).toEqual(Array.from({ length: 77 }, (_, i) => grey(20 * Math.floor(i / 11) + (i % 11))).flat());
    });

    it("may have bytes behind its end", async () => {
      expect(await loadImage(Uint8Array.from([...(await picture.toPng()), 1, 2, 3]))).toEqual(picture);
    });
  });

  describe("a bad PNG", () => {
    it("cut off anywhere is refused", async () => {
      const bytes = await picture.toPng({ text: { parameters: "a red apple" } });
      for (let length = 0; length < bytes.length; length++) {
        await expectInvalid(bytes.subarray(0, length), length < 8 ? /not a PNG|an empty file/ : /cut off/);
      }
    });

    it.each([
      ["an empty file", []],
      ["not a PNG, JPEG or WebP file", [1, 2, 3]],
    ])("%s is named, with the remedy", async (what, bytes) => {
      await expectInvalid(Uint8Array.from(bytes), new RegExp(`^image: ${what}; save the picture as PNG`));
    });

    it("of a huge size is refused before memory is taken for it", async () => {
      const lines = new Uint8Array(16);
      await expectInvalid(
        await png({ width: 2 ** 31 - 1, height: 2 ** 31 - 1, colour: 6 }, lines),
        /more than the 67108864/,
      );
      await expectInvalid(
        await png({ width: 8192, height: 8192, colour: 6 }, lines),
        /bytes cannot hold 8192x8192 pixels/,
      );
      await expectInvalid(await png({ width: 0, height: 8, colour: 6 }, lines), /no pixels \(0x8\)/);
    });

    it("with a second header, of a huge size, is refused before memory is taken for it", async () => {
      const [header, ...rest] = readPngChunks(await picture.toPng(), "test");
      const second = { type: "IHDR", data: header!.data.slice() };
      new DataView(second.data.buffer).setUint32(4, 2 ** 30);
      await expectInvalid(writePngChunks([header!, second, ...rest]), /more than one header/);
    });

    it.each([
      [{ width: 2, height: 2, colour: 5 }, /unknown colour type 5/],
      [{ width: 2, height: 2, colour: 2, depth: 3 }, /damaged/],
      [{ width: 2, height: 2, colour: 3 }, /damaged/],
      [{ width: 2, height: 2, colour: 2, interlace: 9 }, /damaged/],
    ])("with the header %j is refused", async (header, message) => {
      await expectInvalid(await png(header, new Uint8Array(64)), message);
    });

    const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });

    /** An image or our own error; anything else fails the test. */
    async function expectImageOrRefusal(bytes: Uint8Array): Promise<void> {
      const result = await loadImage(bytes).catch((error: unknown) => error);
      if (result instanceof RgbaImage) expect(result.data.length).toBe(result.width * result.height * 4);
      else expect(result).toMatchObject({ name: "LatentKitError", code: "invalid-image" });
    }

    it("with random bytes changed gives an image or a LatentKitError", async () => {
      const bytes = [await picture.toPng(), await interlacedGrey(11, 7, (x, y) => x * y)];
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...bytes), fc.array(change, { minLength: 1 }), async (original, changes) => {
          const changed = original.slice();
          for (const { at, byte } of changes) changed[at % changed.length] = byte;
          await expectImageOrRefusal(changed);
        }),
        { numRuns: 500 },
      );
    });

    it("with chunks changed under right checksums gives an image or a LatentKitError", async () => {
      const files = [await picture.toPng(), await interlacedGrey(11, 7, (x, y) => x * y)];
      const kinds = fc.constantFrom("same", "drop", "repeat", "shorten");
      const edit = fc.record({ chunk: fc.nat(), kind: kinds, changes: fc.array(change, { maxLength: 3 }) });
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...files),
          fc.array(edit, { minLength: 1, maxLength: 3 }),
          async (file, edits) => {
            const chunks = readPngChunks(file, "test");
            for (const { chunk, kind, changes } of edits) {
              const at = chunk % chunks.length;
              const { type, data } = chunks[at]!;
              const changed = data.slice(0, kind === "shorten" ? data.length >> 1 : data.length);
              for (const { at: place, byte } of changes) if (changed.length > 0) changed[place % changed.length] = byte;
              const copy = { type, data: changed };
              chunks.splice(
                at,
                1,
                ...(kind === "drop" && chunks.length > 1 ? [] : kind === "repeat" ? [copy, copy] : [copy]),
              );
            }
            await expectImageOrRefusal(writePngChunks(chunks));
          },
        ),
        { numRuns: 500 },
      );
    });
  });

  describe("PNG text", () => {
    it("comes back as it was, Latin-1 in tEXt and the rest in iTXt", async () => {
      const text = { parameters: "a red apple\nSteps: 20, Größe: 64x96", prompt: "一个红苹果 🍎" };
      const bytes = await picture.toPng({ text });
      expect(pngText(bytes)).toEqual(text);
      expect(readPngChunks(bytes, "test").map(({ type }) => type)).toEqual(["IHDR", "tEXt", "iTXt", "IDAT", "IEND"]);
      expect(await loadImage(bytes)).toEqual(picture);
      expect(pngText(await picture.toPng())).toEqual({});
    });

    it("comes back for any text", async () => {
      const keyword = fc.stringMatching(/^[a-zA-Z_]{1,79}$/);
      await fc.assert(
        fc.asyncProperty(keyword, fc.string({ unit: "grapheme" }), async (key, value) => {
          const text = { [key]: value.replaceAll("\0", "") };
          expect(pngText(await picture.toPng({ text }))).toEqual(text);
        }),
      );
    });

    it.each(["", " parameters", "a  b", "k".repeat(80), "ключ", "a\nb"])("refuses the keyword %j", async (keyword) => {
      await expect(picture.toPng({ text: { [keyword]: "x" } })).rejects.toThrow(/^text: a keyword has 1 to 79/);
    });

    it("refuses a NUL character", async () => {
      await expect(picture.toPng({ text: { parameters: "a\0b" } })).rejects.toThrow(RangeError);
    });

    it("passes over compressed and broken text chunks", () => {
      const chunk = (type: string, text: string) => ({ type, data: new TextEncoder().encode(text) });
      const chunks = [
        chunk("tEXt", "no end"),
        chunk("iTXt", "a\0\x01\0\0\0zip"),
        chunk("iTXt", "b\0\0\0no end"),
        chunk("tEXt", "c\0d"),
        chunk("IEND", ""),
      ];
      expect(pngText(writePngChunks(chunks))).toEqual({ c: "d" });
    });

    it("throws a LatentKitError for any other bytes", () => {
      fc.assert(
        fc.property(fc.uint8Array(), (bytes) => {
          expect(() => pngText(bytes)).toThrow(LatentKitError);
        }),
      );
    });
  });
}
