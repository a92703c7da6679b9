import { basename, dirname } from "node:path";
import { type ExternalFile, LatentKitError, type ModelFile } from "@latentkit/core";
import type { ExternalBytes } from "./session-host.js";

// larger than any matrix that is packed while it is read
const LARGE = 256 * 2 ** 20;
const ALIGNMENT = 64;

/** Where a session finds the weights of its graph. */
export interface ExternalWeights {
  /** A folder whose files ONNX Runtime maps. */
  readonly folder?: string;
  /** The files in it, by the names that the graph uses. */
  readonly mapped: ReadonlySet<string>;
  /** Files in memory. */
  readonly files: readonly ExternalBytes[];
}

/**
 * Files that lie in one folder under the names the graph uses are mapped; others are read into memory, each in one go
 * and one after another: some are made while they are read. Many share a buffer, which nobody else has.
 */
export async function externalWeights(files: readonly ExternalFile[]): Promise<ExternalWeights> {
  const folder = largestFolder(files);
  const isMapped = (file: ExternalFile) => folder !== undefined && folderOf(file) === folder;
  const others = files.filter((file) => !isMapped(file));
  const reserve = createReserve(others.reduce((sum, { file }) => sum + aligned(file.size), 0));
  const read: ExternalBytes[] = [];
  for (const { location, file } of others)
    read.push({ path: location, data: await readInto(reserve(file.size), file) });
  const mapped = new Set(files.filter(isMapped).map(({ location }) => location));
  return { ...(folder !== undefined && { folder }), mapped, files: read };
}

const aligned = (size: number): number => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

/** Memory for files of so many bytes in all, in large blocks: small ones leave holes behind that are not given back. */
function createReserve(total: number): (size: number) => Uint8Array<ArrayBuffer> {
  let block = new ArrayBuffer(0);
  let used = 0;
  let left = total;
  return (size) => {
    if (used + size > block.byteLength) {
      block = new ArrayBuffer(Math.max(aligned(size), Math.min(left, LARGE)));
      used = 0;
    }
    const bytes = new Uint8Array(block, used, size);
    used += aligned(size);
    left -= aligned(size);
    return bytes;
  };
}

/** The folder with the most bytes to map. */
function largestFolder(files: readonly ExternalFile[]): string | undefined {
  const sizes = new Map<string, number>();
  for (const external of files) {
    const folder = folderOf(external);
    if (folder !== undefined) sizes.set(folder, (sizes.get(folder) ?? 0) + external.file.size);
  }
  return [...sizes].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function folderOf({ location, file: { path } }: ExternalFile): string | undefined {
  return path !== undefined && basename(path) === location ? dirname(path) : undefined;
}

// in pieces, and copied: what `read` gives may be the file's only copy
async function readInto(bytes: Uint8Array<ArrayBuffer>, file: ModelFile): Promise<Uint8Array<ArrayBuffer>> {
  for (let offset = 0; offset < file.size; offset += LARGE) {
    const length = Math.min(LARGE, file.size - offset);
    const piece = await file.read(offset, length);
    if (piece.length !== length)
      throw new LatentKitError("invalid-checkpoint", `${file.name} has become shorter; download it again`);
    bytes.set(piece, offset);
  }
  return bytes;
}
