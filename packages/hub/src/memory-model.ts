import type { ModelFile, ModelFiles } from "@latentkit/core";
import { rangeEnd } from "./byte-range.js";
import { modelPath } from "./model-path.js";

/**
 * A model whose files are in memory, by path: `{ "unet/config.json": bytes }`. What it reads shares their memory.
 *
 * @example
 * ```ts
 * const model = memoryModel({ "vae/config.json": new TextEncoder().encode('{ "latent_channels": 4 }') });
 * await readJson(model.at("vae"), "config.json"); // { latent_channels: 4 }
 * ```
 */
export function memoryModel(files: Readonly<Record<string, Uint8Array>>, location = "memory"): ModelFiles {
  return memoryFolder(new Map(Object.entries(files)), location, "");
}

function memoryFolder(files: ReadonlyMap<string, Uint8Array>, root: string, inside: string): ModelFiles {
  return {
    location: inside === "" ? root : `${root}/${inside}`,
    async find(path) {
      const name = modelPath(inside, path);
      const bytes = name === undefined ? undefined : files.get(name);
      return name === undefined || bytes === undefined ? undefined : memoryFile(name, bytes);
    },
    at: (path) => memoryFolder(files, root, inside === "" ? path : `${inside}/${path}`),
  };
}

function memoryFile(name: string, bytes: Uint8Array): ModelFile {
  const size = bytes.length;
  return {
    name,
    size,
    async read(offset = 0, length) {
      return bytes.subarray(offset, rangeEnd({ name, size }, offset, length));
    },
  };
}
