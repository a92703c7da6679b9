import type { ModelFiles } from "@latentkit/core";

/** A model: a folder's path or `file:` URL, files opened already, or undefined for the embedded one. */
export type ModelSource = string | URL | ModelFiles | undefined;

/**
 * The files of a source, through this platform's store; `subfolder` names one network's folder inside.
 *
 * @throws LatentKitError `file-not-found` when there is no such folder.
 * @example
 * ```ts
 * const unet = await openSource("./stable-diffusion-v1-5", "unet");
 * ```
 */
export async function openSource(source: ModelSource, subfolder?: string): Promise<ModelFiles> {
  const files = isModelFiles(source) ? source : await (await import("@latentkit/hub/platform")).openModel(source);
  return subfolder === undefined ? files : files.at(subfolder);
}

function isModelFiles(source: ModelSource): source is ModelFiles {
  return source instanceof Object && "find" in source;
}
