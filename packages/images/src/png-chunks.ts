import { LatentKitError } from "@latentkit/core";

/** One block of a PNG file (PNG specification, §5.3). */
export interface PngChunk {
  readonly type: string;
  readonly data: Uint8Array;
}

export const pngSignature: Uint8Array = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);

/** Whether the bytes begin as every PNG does. */
export function isPng(bytes: Uint8Array): boolean {
  return pngSignature.every((byte, i) => bytes[i] === byte);
}

/** The error for a picture that cannot be read. */
export function invalidImage(name: string, reason: string, cause?: unknown): LatentKitError {
  const message = `${name}: ${reason}; save the picture as PNG again, or pass another one`;
  return new LatentKitError("invalid-image", message, { cause });
}

/** The chunks up to IEND; what lies behind it is not part of the picture. */
export function readPngChunks(bytes: Uint8Array, name: string): PngChunk[] {
  if (!isPng(bytes)) throw invalidImage(name, "not a PNG file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: PngChunk[] = [];
  let at = pngSignature.length;
  while (chunks.at(-1)?.type !== "IEND") {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : Number.POSITIVE_INFINITY;
    if (at + 12 + length > bytes.length) throw invalidImage(name, `the PNG is cut off after ${bytes.length} bytes`);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

/** @throws Error when a chunk of a file that was read is not what was written. */
export function checkPngSums(chunks: readonly PngChunk[]): void {
  for (const { type, data } of chunks) {
    // the type lies before the data, the sum behind
    const { buffer, byteOffset, length } = data;
    const sum = new DataView(buffer, byteOffset + length, 4).getUint32(0);
    if (sum !== crc32(new Uint8Array(buffer, byteOffset - 4, length + 4))) throw new Error(`checksum of ${type}`);
  }
}

/** A PNG file of these chunks. */
export function writePngChunks(chunks: readonly PngChunk[]): Uint8Array<ArrayBuffer> {
  const size = chunks.reduce((sum, { data }) => sum + 12 + data.length, pngSignature.length);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(pngSignature);
  let at = pngSignature.length;
  for (const { type, data } of chunks) {
    const end = at + 8 + data.length;
    view.setUint32(at, data.length);
    bytes.set(
      Uint8Array.from(type, (letter) => letter.charCodeAt(0)),
      at + 4,
    );
    bytes.set(data, at + 8);
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}

/** Remainders of single bytes (PNG specification, annex D). */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
