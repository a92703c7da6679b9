/**
 * The folder of the embedded checkpoint, in Diffusers layout, as a `file:` URL that ends in a slash.
 *
 * @example
 * ```ts
 * const index = await readFile(new URL("model_index.json", modelUrl), "utf8");
 * ```
 */
export const modelUrl: URL = new URL("../model/", import.meta.url);
