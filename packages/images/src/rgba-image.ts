import type { Pixels } from "./pixels.js";
import type { PngText } from "./png-text.js";

/** How a PNG file is made. */
export interface PngOptions {
  /** Texts to put into the file, by keyword; AUTOMATIC1111 reads `parameters`. */
  readonly text?: PngText;
}

/**
 * A picture in memory: 8-bit RGBA, rows from top to bottom.
 *
 * @example
 * ```ts
 * const image = new RgbaImage({ width: 2, height: 1, data: new Uint8Array([255, 0, 0, 255, 0, 0, 255, 255]) });
 * await image.save("red-and-blue.png");
 * ```
 */
export class RgbaImage {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Red, green, blue and alpha of each pixel, from 0 to 255: `width · height · 4` bytes. */
  readonly data: Uint8ClampedArray;

  /**
   * Copies the pixels of anything that has the fields of an `ImageData`.
   *
   * @throws RangeError when the sizes are not positive integers or do not match the data.
   */
  constructor(pixels: Pixels) {
    checkPixels(pixels);
    this.width = pixels.width;
    this.height = pixels.height;
    this.data = new Uint8ClampedArray(pixels.data);
  }

  /**
   * Writes a PNG file, whole or not at all. On Node only: in a page, `toBlob()` is what a link offers for download.
   *
   * @throws RangeError when the path ends in another format's extension. TypeError in a page.
   * @throws LatentKitError when the file cannot be written.
   */
  async save(path: string | URL, options: PngOptions = {}): Promise<void> {
    const { savePng } = await import("@latentkit/images/platform");
    await savePng(path, () => this.toPng(options));
  }

  /** The bytes of a PNG file. */
  async toPng({ text }: PngOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    // pages that draw on a canvas need no PNG files
    const { encodePng } = await import("./png-codec.js");
    return encodePng(this, text);
  }

  /** A PNG file as a blob of type `image/png`. */
  async toBlob(options: PngOptions = {}): Promise<Blob> {
    return new Blob([await this.toPng(options)], { type: "image/png" });
  }

  /** A copy for a canvas; where there is no `ImageData` class, a plain object with its fields. */
  toImageData(): ImageData {
    const { width, height } = this;
    const data = new Uint8ClampedArray(this.data);
    return typeof ImageData === "undefined"
      ? { width, height, data, colorSpace: "srgb" }
      : new ImageData(data, width, height);
  }
}

function checkPixels({ width, height, data }: Pixels): void {
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`${name}: expected a positive integer, got ${value}`);
  }
  if (!(data instanceof Uint8ClampedArray || data instanceof Uint8Array)) {
    throw new TypeError("data: expected a Uint8ClampedArray or Uint8Array");
  }
  if (data.length !== width * height * 4) {
    throw new RangeError(`data: ${width}x${height} RGBA pixels are ${width * height * 4} bytes, got ${data.length}`);
  }
}
