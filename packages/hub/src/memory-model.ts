import type { ModelFile, ModelFiles } from "@latentkit/core";
import { rangeEnd } from "./byte-range.js";
import { modelFolder } from "./model-folder.js";

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
  const map = new Map(Object.entries(files));
  return modelFolder(location, async (path) => {
    const bytes = map.get(path);
    return bytes && memoryFile(path, bytes);
  });
}

/** A file whose bytes are in memory. */
export function memoryFile(name: string, bytes: Uint8Array): ModelFile {
  const size = bytes.length;
  return {
    name,
    size,
    async read(offset = 0, length) {
      return bytes.subarray(offset, rangeEnd({ name, size }, offset, length));
    },
  };
}
