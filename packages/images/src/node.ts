import { readFile as readDisk } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";
import { PNG } from "pngjs";
import type { Pixels } from "./pixels.js";
import { MissingDecoder, type PngFile } from "./platform.js";
import { bitsPerPixel, compressedParts, maxPixels } from "./png-header.js";
import { writeFileAtomically } from "./write-file.js";

/** An 8-bit PNG file. */
export async function encodePixels(pixels: Pixels, isOpaque: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, data } = pixels;
  const png = Object.assign(new PNG(), { width, height, data: Buffer.from(data.buffer, data.byteOffset, data.length) });
  return new Uint8Array(PNG.sync.write(png, { colorType: isOpaque ? 2 : 6 }));
}

/** The pixels of a PNG file. */
export async function decodePixels(file: PngFile): Promise<Pixels> {
  if (file.header.interlace !== 0) checkInterlaced(file);
  return PNG.sync.read(Buffer.from(file.bytes));
}

/** pngjs inflates interlaced pictures without a limit, so whether they keep within theirs is tried first. */
function checkInterlaced({ header, chunks }: PngFile): void {
  const { width, height } = header;
  // seven passes of at most 2 · height + 7 rows in all, each with a filter byte and a partly filled one
  const maxOutputLength = Math.ceil((width * height * bitsPerPixel(header)) / 8) + 2 * (2 * height + 7);
  inflateSync(Buffer.concat(compressedParts(chunks)), { maxOutputLength });
}

/** The pixels of a picture in another format, by the package `sharp`. */
export async function decodePicture(bytes: Uint8Array): Promise<Pixels> {
  const { default: sharp } = await import("sharp").catch((cause: unknown) => {
    throw new MissingDecoder("which is read by the package sharp: npm install sharp", { cause });
  });
  const picture = sharp(bytes, { limitInputPixels: maxPixels }).rotate().toColourspace("srgb").ensureAlpha();
  const { data, info } = await picture.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

/** The bytes of a file on the disk. */
export async function readFile(path: string | URL): Promise<Uint8Array> {
  return readDisk(path);
}

/** Writes a PNG file, whole or not at all. */
export async function savePng(path: string | URL, png: () => Promise<Uint8Array>): Promise<void> {
  const file = path instanceof URL ? fileURLToPath(path) : path;
  if (typeof file !== "string" || file === "")
    throw new TypeError(`path: expected the path of a .png file, got "${file}"`);
  if (!["", ".png"].includes(extname(file).toLowerCase()))
    throw new RangeError(`path: only .png files are written, got "${file}"`);
  await writeFileAtomically(file, await png());
}
