import { LatentKitError, type ModelFiles, readJson as parseFile } from "@latentkit/core";

/**
 * The object in a model's JSON file, by path. The bare words `-Infinity`, `Infinity` and `NaN`, which Python writes
 * into real `scheduler_config.json` files, are read as numbers.
 *
 * @throws LatentKitError `file-not-found` when there is no such file, `invalid-checkpoint` with line and column when
 * it is not JSON.
 * @example
 * ```ts
 * const config = await readJson(await openModel("models/sd"), "unet/config.json");
 * ```
 */
export async function readJson(files: ModelFiles, path: string): Promise<Record<string, unknown>> {
  const found = await tryReadJson(files, path);
  if (found) return found;
  const message = `${path} is missing in ${files.location}; check that the model was downloaded completely`;
  throw new LatentKitError("file-not-found", message);
}

/** As `readJson`, but undefined when there is no such file. */
export async function tryReadJson(files: ModelFiles, path: string): Promise<Record<string, unknown> | undefined> {
  const file = await files.find(path);
  return file && parseFile(file);
}
