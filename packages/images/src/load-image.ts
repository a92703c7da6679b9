import { LatentKitError } from "@latentkit/core";
import { bitmapPixels } from "./bitmap-pixels.js";
import { decodeOther } from "./decode-other.js";
import { isPixels, type Pixels } from "./pixels.js";
import { isPng } from "./png-chunks.js";
import { decodePng } from "./png-codec.js";
import { RgbaImage } from "./rgba-image.js";

/**
 * What a picture can be read from: a path or URL, the bytes of a file, pixels such as an `ImageData`, or what a browser
 * has: an `ImageBitmap` or a canvas.
 */
export type ImageSource =
  | string
  | URL
  | Blob
  | ArrayBuffer
  | Uint8Array
  | Pixels
  | ImageBitmap
  | OffscreenCanvas
  | HTMLCanvasElement;

/**
 * Reads a picture: a PNG file of any colour type, or pixels as they are. JPEG, WebP, AVIF, GIF and TIFF files too, in
 * browsers as far as they know them, on Node when the package `sharp` is installed.
 *
 * @throws TypeError when the source is none of the accepted kinds.
 * @throws LatentKitError `file-not-found` or `download-failed` when there is no such file, `invalid-image` when it
 * is not a whole file of a known format or has more than 2²⁶ pixels.
 * @example
 * ```ts
 * const bytes = await new RgbaImage({ width: 1, height: 1, data: new Uint8Array(4) }).toPng();
 * const image = await loadImage(bytes);
 * ```
 */
export async function loadImage(source: ImageSource): Promise<RgbaImage> {
  if (source instanceof RgbaImage) return source;
  if (source instanceof Uint8Array) return decode(source, "image");
  if (source instanceof ArrayBuffer) return decode(new Uint8Array(source), "image");
  if (source instanceof Blob) return decode(new Uint8Array(await source.arrayBuffer()), "image");
  if (source instanceof URL) return decode(await readUrl(source), shortName(source));
  if (typeof source === "string") return loadPath(source);
  if (isPixels(source)) return new RgbaImage(source);
  if (isBitmap(source)) return new RgbaImage(bitmapPixels(source));
  if (isCanvas(source)) return loadCanvas(source);
  throw new TypeError(
    `source: expected a path, URL, Blob, Uint8Array, ImageData or ImageBitmap, got ${describe(source)}`,
  );
}

function loadPath(path: string): Promise<RgbaImage> {
  const isUrl = /^(https?|file|data|blob):/i.test(path) && URL.canParse(path);
  return isUrl ? loadImage(new URL(path)) : readFile(path, path).then((bytes) => decode(bytes, path));
}

async function decode(bytes: Uint8Array, name: string): Promise<RgbaImage> {
  return new RgbaImage(isPng(bytes) ? await decodePng(bytes, name) : await decodeOther(bytes, name));
}

async function readUrl(url: URL): Promise<Uint8Array> {
  if (url.protocol === "file:") return readFile(url, shortName(url));
  const failed = (reason: string, cause?: unknown) =>
    new LatentKitError("download-failed", `${shortName(url)}: ${reason}; check the address and the connection`, {
      cause,
    });
  try {
    const response = await fetch(url);
    if (!response.ok) throw failed(`the server answered ${response.status} ${response.statusText}`.trimEnd());
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    if (LatentKitError.isInstance(cause)) throw cause;
    throw failed("could not be fetched", cause);
  }
}

async function readFile(path: string | URL, name: string): Promise<Uint8Array> {
  const platform = await import("@latentkit/images/platform");
  try {
    return await platform.readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LatentKitError(
      "file-not-found",
      `${name || '""'}: no picture could be read there (${reason}); check the path`,
      { cause },
    );
  }
}

/** A `data:` URL holds the whole picture; messages show its beginning. */
function shortName({ href }: URL): string {
  return href.length > 80 ? `${href.slice(0, 77)}...` : href;
}

const isBitmap = (value: unknown): value is ImageBitmap =>
  typeof ImageBitmap !== "undefined" && value instanceof ImageBitmap;

const isCanvas = (value: unknown): value is OffscreenCanvas | HTMLCanvasElement =>
  (typeof OffscreenCanvas !== "undefined" && value instanceof OffscreenCanvas) ||
  (typeof HTMLCanvasElement !== "undefined" && value instanceof HTMLCanvasElement);

async function loadCanvas(canvas: OffscreenCanvas | HTMLCanvasElement): Promise<RgbaImage> {
  const bitmap = await createImageBitmap(canvas);
  try {
    return new RgbaImage(bitmapPixels(bitmap));
  } finally {
    bitmap.close();
  }
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? (value.constructor?.name ?? "an object") : String(value);
}
