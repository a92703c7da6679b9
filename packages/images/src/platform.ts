import type { Pixels } from "./pixels.js";
import type { PngChunk } from "./png-chunks.js";
import type { PngHeader } from "./png-header.js";

/** What Node and browsers do each in their own way: the exports of `@latentkit/images/platform`. */
export interface ImagePlatform {
  /** An 8-bit PNG file of these pixels, without alpha when they are opaque. */
  encodePixels(pixels: Pixels, isOpaque: boolean): Promise<Uint8Array<ArrayBuffer>>;
  /** The pixels of a PNG file whose header was checked. @throws Error when it is damaged. */
  decodePixels(file: PngFile): Promise<Pixels>;
  /** The pixels of a picture in another format. @throws MissingDecoder, or Error when it is damaged. */
  decodePicture(bytes: Uint8Array): Promise<Pixels>;
  /** The bytes of the file at a path. */
  readFile(path: string | URL): Promise<Uint8Array>;
  /** Writes a PNG file. @throws TypeError, RangeError for a path that is none. */
  savePng(path: string | URL, png: () => Promise<Uint8Array>): Promise<void>;
}

/** A PNG file, looked into. */
export interface PngFile {
  /** From its signature to its last chunk. */
  readonly bytes: Uint8Array;
  readonly chunks: readonly PngChunk[];
  readonly header: PngHeader;
}

/** A format that this machine could read if something were installed. */
export class MissingDecoder extends Error {
  override readonly name = "MissingDecoder";
}
