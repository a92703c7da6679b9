import type { ModelFile, ModelFiles } from "@latentkit/core";

/**
 * A model's folder held in memory: names to text or bytes.
 *
 * @example
 * ```ts
 * const files = memoryFiles({ "unet/config.json": "{}" });
 * await files.at("unet").find("config.json");
 * ```
 */
export function memoryFiles(
  contents: Readonly<Record<string, string | Uint8Array>>,
  location: string = "memory",
): ModelFiles {
  const folder = (prefix: string): ModelFiles => ({
    location: prefix === "" ? location : `${location}/${prefix.slice(0, -1)}`,
    find: async (path) => {
      const content = contents[prefix + path];
      return content === undefined ? undefined : memoryFile(prefix + path, content);
    },
    at: (name) => folder(`${prefix}${name}/`),
  });
  return folder("");
}

/** One file held in memory. */
export function memoryFile(name: string, content: string | Uint8Array): ModelFile {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return {
    name,
    size: bytes.length,
    read: async (offset = 0, length = bytes.length - offset) => bytes.slice(offset, offset + length),
  };
}
