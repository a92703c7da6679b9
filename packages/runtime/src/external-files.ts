import { basename, dirname } from "node:path";
import { type ExternalFile, LatentKitError, type ModelFile } from "@latentkit/core";
import type { ExternalBytes } from "./session-host.js";

// larger than any matrix that is packed while it is read
const chunk = 256 * 2 ** 20;

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
 * and one after another: some are made while they are read.
 */
export async function externalWeights(files: readonly ExternalFile[]): Promise<ExternalWeights> {
  const folder = largestFolder(files);
  const isMapped = (file: ExternalFile) => folder !== undefined && folderOf(file) === folder;
  const read: ExternalBytes[] = [];
  for (const { location, file } of files.filter((file) => !isMapped(file)))
    read.push({ path: location, data: await readWhole(file) });
  const mapped = new Set(files.filter(isMapped).map(({ location }) => location));
  return { ...(folder !== undefined && { folder }), mapped, files: read };
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

// in pieces and into a buffer of its own: what `read` gives may be the file's only copy
async function readWhole(file: ModelFile): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(file.size);
  for (let offset = 0; offset < file.size; offset += chunk) {
    const length = Math.min(chunk, file.size - offset);
    const piece = await file.read(offset, length);
    if (piece.length !== length)
      throw new LatentKitError("invalid-checkpoint", `${file.name} has become shorter; download it again`);
    bytes.set(piece, offset);
  }
  return bytes;
}
