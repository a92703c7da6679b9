import { basename, dirname } from "node:path";
import type { ExternalFile, ModelFile } from "@latentkit/core";
import type { ExternalBytes } from "./session-host.js";

const chunk = 64 * 2 ** 20;

/** Where a session finds the weights of its graph. */
export interface ExternalWeights {
  /** A folder whose files ONNX Runtime maps. */
  readonly folder?: string;
  /** Files in memory. */
  readonly files: readonly ExternalBytes[];
}

/** Files that lie in one folder under the names the graph uses are mapped; others are read into memory. */
export async function externalWeights(files: readonly ExternalFile[]): Promise<ExternalWeights> {
  const folder = commonFolder(files);
  if (folder !== undefined) return { folder, files: [] };
  return {
    files: await Promise.all(
      files.map(async ({ location, file }) => ({ path: location, data: await readWhole(file) })),
    ),
  };
}

function commonFolder(files: readonly ExternalFile[]): string | undefined {
  const folders = files.map(({ location, file: { path } }) =>
    path !== undefined && basename(path) === location ? dirname(path) : undefined,
  );
  return folders.every((folder) => folder === folders[0]) ? folders[0] : undefined;
}

// in pieces and into a buffer of its own: what `read` gives may be the file's only copy
async function readWhole(file: ModelFile): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(file.size);
  for (let offset = 0; offset < file.size; offset += chunk) {
    bytes.set(await file.read(offset, Math.min(chunk, file.size - offset)), offset);
  }
  return bytes;
}
