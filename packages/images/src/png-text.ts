import { invalidImage, type PngChunk, readPngChunks, writePngChunks } from "./png-chunks.js";

/** Texts of a picture by keyword: `{ parameters: "a red apple\nSteps: 20, …" }`. */
export type PngText = Readonly<Record<string, string>>;

/**
 * The texts in a PNG file: its tEXt and uncompressed iTXt chunks. A keyword that occurs twice has its last text.
 *
 * @throws LatentKitError `invalid-image` when the bytes are not a whole PNG file.
 * @example
 * ```ts
 * const bytes = await image.toPng({ text: { parameters: "a red apple" } });
 * pngText(bytes).parameters; // "a red apple"
 * ```
 */
export function pngText(bytes: Uint8Array): PngText {
  const chunks = readPngChunks(bytes, "image");
  return Object.fromEntries(chunks.flatMap((chunk) => readTextChunk(chunk) ?? []));
}

/** The PNG file with text chunks behind its header. */
export function withPngText(bytes: Uint8Array, text: PngText): Uint8Array<ArrayBuffer> {
  const [header, ...rest] = readPngChunks(bytes, "image");
  if (!header) throw invalidImage("image", "the PNG has no header");
  return writePngChunks([header, ...Object.entries(text).map(textChunk), ...rest]);
}

/** Latin-1 texts go into tEXt, which every reader knows, all others into iTXt; so does Pillow. */
function textChunk([keyword, text]: readonly [string, string]): PngChunk {
  if (!/^(?! )[\x20-\x7e\xa1-\xff]{1,79}(?<! )$/.test(keyword) || keyword.includes("  ")) {
    throw new RangeError(`text: a keyword has 1 to 79 Latin-1 characters and no outer spaces, got "${keyword}"`);
  }
  if (text.includes("\0")) throw new RangeError(`text: "${keyword}" contains a NUL character`);
  const latin = !/[\u0100-\uffff]/.test(text);
  const separator = latin ? [0] : [0, 0, 0, 0, 0];
  const data = latin ? latin1(text) : new TextEncoder().encode(text);
  return { type: latin ? "tEXt" : "iTXt", data: Uint8Array.from([...latin1(keyword), ...separator, ...data]) };
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function fromLatin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** Keyword and text of a chunk; undefined for other chunks and for compressed or broken ones. */
function readTextChunk({ type, data }: PngChunk): readonly [string, string][] | undefined {
  const keywordEnd = data.indexOf(0);
  if (keywordEnd < 1) return undefined;
  const keyword = fromLatin1(data.subarray(0, keywordEnd));
  if (type === "tEXt") return [[keyword, fromLatin1(data.subarray(keywordEnd + 1))]];
  if (type !== "iTXt" || data[keywordEnd + 1] !== 0) return undefined;
  // behind the keyword: compression flag and method, then language and translated keyword, each ended by a zero
  const languageEnd = data.indexOf(0, keywordEnd + 3);
  const translationEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
  if (translationEnd < 0) return undefined;
  return [[keyword, new TextDecoder().decode(data.subarray(translationEnd + 1))]];
}
