import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LatentKitError, type ModelFiles } from "@latentkit/core";
import { folderModel, isMissing } from "./folder-model.js";

const onlyFolders =
  "only local folders can be opened in this version: pass the path of a folder in Diffusers layout (the one with " +
  "model_index.json), or nothing for the embedded model";

/**
 * Opens a model: a folder as Hugging Face stores it, by path or `file:` URL, or the embedded model when `source` is
 * left out.
 *
 * @throws TypeError when the source is neither text nor a URL, or is empty.
 * @throws LatentKitError `file-not-found` when there is no such folder, `unsupported-model` when it is a file.
 * @example
 * ```ts
 * const model = await openModel("models/stable-diffusion-v1-5");
 * const unet = await model.at("unet").find("diffusion_pytorch_model.safetensors");
 * ```
 */
export async function openModel(source?: string | URL): Promise<ModelFiles> {
  const path = source === undefined ? fileURLToPath(await embeddedModel()) : folderPath(source);
  const status = await statIfAny(path);
  if (!status) throw new LatentKitError("file-not-found", `no such folder: ${path}${hubHint(source)}; ${onlyFolders}`);
  if (!status.isDirectory()) throw new LatentKitError("unsupported-model", `${path} is a file; ${onlyFolders}`);
  return folderModel(path);
}

async function embeddedModel(): Promise<URL> {
  try {
    return (await import("@latentkit/tiny-emoji")).modelUrl;
  } catch (cause) {
    const message = "the embedded model is not installed: npm install @latentkit/tiny-emoji, or pass a model's folder";
    throw new LatentKitError("file-not-found", message, { cause });
  }
}

function folderPath(source: string | URL): string {
  if (!(source instanceof URL) && (typeof source !== "string" || source.trim() === "")) {
    throw new TypeError(`source: expected the path or URL of a folder, got ${JSON.stringify(source)}`);
  }
  const isUrl = source instanceof URL || (/^[a-z][a-z0-9+.-]+:\/\//i.test(source) && URL.canParse(source));
  if (!isUrl) return resolve(String(source));
  const url = new URL(source);
  if (url.protocol !== "file:")
    throw new LatentKitError("file-not-found", `${url.href} is not a folder; ${onlyFolders}`);
  return fileURLToPath(url);
}

/** How to get at a model of the Hub, when that may be what was meant: `organisation/name`. */
function hubHint(source: string | URL | undefined): string {
  const isId = typeof source === "string" && /^[\w-][\w.-]*\/[\w.-]+$/.test(source);
  return isId ? ` (a model of the Hugging Face Hub? first run: hf download ${source} --local-dir ${source})` : "";
}

async function statIfAny(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new LatentKitError("file-not-found", `${path}: cannot be opened; check its permissions`, { cause });
  }
}
