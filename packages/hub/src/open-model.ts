import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LatentKitError, type ModelFiles } from "@latentkit/core";
import type { DownloadedModel } from "./cached-model.js";
import { checkFileKind } from "./check-file-kind.js";
import { downloadReference } from "./download-reference.js";
import { downloadUrl } from "./download-url.js";
import { fileModel } from "./file-model.js";
import { folderModel, isMissing } from "./folder-model.js";
import type { HubOptions } from "./hub-options.js";
import type { HubReference } from "./hub-reference.js";
import { hubEndpoint } from "./hub-settings.js";
import { sourcePlace } from "./source-place.js";

/**
 * Opens a model: a folder as Hugging Face stores it or a `.safetensors` file, by path or `file:` URL; a model of the
 * Hugging Face Hub, by its id (`owner/name`) or web address; a `.safetensors` file by its web address; or the embedded
 * model when `source` is left out. What is on the network is downloaded once, into the cache that Python's
 * `huggingface_hub` uses. A folder wins over a model of the Hub of that name.
 *
 * @throws TypeError when the source is neither text nor a URL, or is empty.
 * @throws LatentKitError `"file-not-found"` when there is no such model, `"download-failed"` when it cannot be had,
 * `"unsupported-model"` when it is of a kind that is not opened; `signal.reason` after an abort.
 * @example
 * ```ts
 * const model = await openModel("stabilityai/sd-turbo", { variant: "fp16" });
 * const unet = await model.at("unet").find("diffusion_pytorch_model.fp16.safetensors");
 * ```
 */
export async function openModel(source?: string | URL, options: HubOptions = {}): Promise<ModelFiles> {
  if (source === undefined) return openPath(fileURLToPath(await embeddedModel()));
  const place = sourcePlace(source, hubEndpoint());
  if (place.kind === "path") return openPath(resolve(place.path), place.reference, options);
  if (place.kind === "hub") return openReference(place.reference, options);
  return fileModel(await downloadUrl(place.url, options));
}

/** Opens what lies at a path, or else the model of the Hub that may be meant. */
async function openPath(path: string, reference?: HubReference, options?: HubOptions): Promise<ModelFiles> {
  const status = await statIfAny(path);
  if (status?.isDirectory()) return folderModel(path);
  if (status) {
    checkFileKind(path, path);
    return fileModel(path);
  }
  if (reference) return openReference(reference, options).catch((error: unknown) => throwAlsoNoFolder(error, path));
  const remedy = "pass a folder in Diffusers layout, a .safetensors file, or the id of a model on the Hub (owner/name)";
  throw new LatentKitError("file-not-found", `no such folder or file: ${path}; ${remedy}`);
}

async function openReference(reference: HubReference, options: HubOptions = {}): Promise<ModelFiles> {
  const { file } = reference;
  if (file !== undefined) checkFileKind(file, `${reference.id}/${file}`);
  return modelOf(await downloadReference(reference, options), options);
}

/** A repository of one file is that file. */
export function modelOf({ path, files }: DownloadedModel, { subfolder }: HubOptions): Promise<ModelFiles> | ModelFiles {
  const [only = "", ...others] = files;
  const isSingle = others.length === 0 && only.endsWith(".safetensors") && subfolder === undefined;
  return isSingle ? fileModel(join(path, only)) : folderModel(path);
}

/** A path with a typing error looks like the id of a model. */
function throwAlsoNoFolder(error: unknown, path: string): never {
  if (!LatentKitError.isInstance(error) || error.code !== "file-not-found") throw error;
  throw new LatentKitError(error.code, `${error.message}; nor is there a folder ${path}`, { cause: error });
}

async function embeddedModel(): Promise<URL> {
  try {
    return (await import("@latentkit/tiny-emoji")).modelUrl;
  } catch (cause) {
    const message = "the embedded model is not installed: npm install @latentkit/tiny-emoji, or pass a model";
    throw new LatentKitError("file-not-found", message, { cause });
  }
}

async function statIfAny(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new LatentKitError("file-not-found", `${path}: cannot be opened; check its permissions`, { cause });
  }
}
