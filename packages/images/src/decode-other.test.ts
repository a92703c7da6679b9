import sharp from "sharp";
import { afterEach, describe, expect, it, vi } from "vitest";
import { loadImage, RgbaImage } from "./index.js";

/** Smooth, so that lossy formats stay close. */
const picture = new RgbaImage({
  width: 24,
  height: 16,
  data: Uint8Array.from({ length: 24 * 16 * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : Math.floor(i / 4 / 24) * 8 + (i % 4) * 40,
  ),
});
const encoder = () => sharp(picture.data, { raw: { width: 24, height: 16, channels: 4 } });

function worst(a: RgbaImage, b: RgbaImage): number {
  return Math.max(...a.data.map((value, i) => Math.abs(value - b.data[i]!)));
}

describe.each([
  ["JPEG", () => encoder().jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer()],
  ["WebP", () => encoder().webp({ lossless: true }).toBuffer()],
  ["AVIF", () => encoder().avif({ lossless: true }).toBuffer()],
  ["GIF", () => encoder().gif().toBuffer()],
  ["TIFF", () => encoder().tiff({ compression: "none" }).toBuffer()],
])("a %s file", (_, encode) => {
  it("is read like a PNG", async () => {
    const image = await loadImage(await encode());
    expect([image.width, image.height]).toEqual([24, 16]);
    expect(worst(image, picture)).toBeLessThan(10);
  });

  it("cut in half is refused", async () => {
    const bytes = await encode();
    await expect(loadImage(bytes.subarray(0, bytes.length >> 1))).rejects.toMatchObject({
      code: "invalid-image",
      message: expect.stringMatching(/^image: an? \w+ file that cannot be read/),
    });
  });
});

it("is turned as its EXIF tag says", async () => {
  const bytes = await encoder().jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
  const { width, height } = await loadImage(new Blob([new Uint8Array(bytes)]));
  expect([width, height]).toEqual([16, 24]);
});

it("keeps transparency", async () => {
  const half = { width: 8, height: 4, channels: 4, background: { r: 200, g: 100, b: 50, alpha: 0.5 } } as const;
  const image = await loadImage(await sharp({ create: half }).webp({ lossless: true }).toBuffer());
  expect([...image.data.subarray(0, 4)]).toEqual([200, 100, 50, 128]);
});

describe("without sharp", () => {
  afterEach(() => vi.doUnmock("sharp"));

  it("the error says how to install it", async () => {
    vi.doMock("sharp", () => {
      throw new Error("Cannot find package 'sharp'");
    });
    vi.resetModules();
    const { loadImage: load } = await import("./load-image.js");
    const bytes = await encoder().jpeg().toBuffer();
    await expect(load(bytes)).rejects.toMatchObject({
      code: "invalid-image",
      message: expect.stringContaining("a JPEG file, which is read by the package sharp: npm install sharp"),
    });
  });
});
