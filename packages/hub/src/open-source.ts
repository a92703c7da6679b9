import type { ModelFiles } from "@latentkit/core";
import type { HubOptions } from "./hub-options.js";

/**
 * A model: the id of one on the Hugging Face Hub (`owner/name`), a folder's or a `.safetensors` file's path, a `file:` or
 * web address, files opened already, or undefined for the embedded one.
 */
export type ModelSource = string | URL | ModelFiles | undefined;

/**
 * The files of a source, through this platform's store; with `subfolder` those of one network's folder inside.
 *
 * @throws LatentKitError `"file-not-found"`, `"download-failed"` or `"unsupported-model"`; `signal.reason` after an abort.
 * @example
 * ```ts
 * const unet = await openSource("./stable-diffusion-v1-5", { subfolder: "unet" });
 * ```
 */
export async function openSource(source: ModelSource, options: HubOptions = {}): Promise<ModelFiles> {
  const { subfolder } = options;
  const files = isModelFiles(source)
    ? source
    : await (await import("@latentkit/hub/platform")).openModel(source, options);
  return subfolder === undefined ? files : files.at(subfolder);
}

function isModelFiles(source: ModelSource): source is ModelFiles {
  return source instanceof Object && "find" in source;
}
