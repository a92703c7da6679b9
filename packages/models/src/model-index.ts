import type { ModelFiles } from "@latentkit/core";
import { readJson, tryReadJson } from "@latentkit/hub";
import type { LoadOptions } from "./load-options.js";

/** `model_index.json`: the pipeline that a model is for, and library and class of each part. */
export type ModelIndex = Readonly<Record<string, unknown>>;

const STEMS: Readonly<Record<string, string>> = {
  text_encoder: "model",
  text_encoder_2: "model",
  unet: "diffusion_pytorch_model",
  vae_encoder: "diffusion_pytorch_model",
  vae_decoder: "diffusion_pytorch_model",
};

/**
 * A model's `model_index.json`. Folders of ONNX exports without one, as web demos have them, get one that lists the
 * networks found.
 *
 * @throws LatentKitError `"file-not-found"` when there is neither, `"invalid-checkpoint"` when it is not JSON.
 */
export async function readModelIndex(files: ModelFiles, options: LoadOptions = {}): Promise<ModelIndex> {
  return (await findModelIndex(files, options)) ?? readJson(files, "model_index.json");
}

/** Whether a model is one of SDXL's family, which has a second text encoder. */
export async function isXl(files: ModelFiles, options: LoadOptions): Promise<boolean> {
  const entry = (await findModelIndex(files, options))?.text_encoder_2;
  return Array.isArray(entry) && entry[1] != null;
}

async function findModelIndex(files: ModelFiles, options: LoadOptions): Promise<ModelIndex | undefined> {
  const index = await tryReadJson(files, "model_index.json");
  if (index) return index;
  const { findExport } = await import("./rare-networks.js");
  const { onWarning: _, ...silent } = options;
  const parts: string[] = [];
  for (const [part, stem] of Object.entries(STEMS))
    if (await findExport(files.at(part), stem, silent)) parts.push(part);
  if (!parts.includes("unet")) return undefined;
  return {
    _class_name: parts.includes("text_encoder_2") ? "StableDiffusionXLPipeline" : "StableDiffusionPipeline",
    ...Object.fromEntries(parts.map((part) => [part, ["diffusers", "OnnxRuntimeModel"]])),
  };
}
