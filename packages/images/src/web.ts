import { bitmapPixels } from "./bitmap-pixels.js";
import type { Pixels } from "./pixels.js";

export { decodePixels } from "./web-decode-png.js";
export { encodePixels } from "./web-encode-png.js";

/** The pixels of a picture in another format, by the browser. */
export async function decodePicture(bytes: Uint8Array): Promise<Pixels> {
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]), { imageOrientation: "from-image" });
  try {
    return bitmapPixels(bitmap);
  } finally {
    bitmap.close();
  }
}

/** The bytes at an address, absolute or relative to the page. */
export async function readFile(path: string | URL): Promise<Uint8Array> {
  const response = await fetch(new URL(path, globalThis.document?.baseURI ?? location.href));
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @throws TypeError: a page has no files. */
export async function savePng(): Promise<void> {
  throw new TypeError("save: a page cannot write files; offer the picture of toBlob() for download");
}
