import type { ModelFile, ModelFiles } from "@latentkit/core";
import type { Family } from "./family.js";
import type { PartConfigs } from "./given-configs.js";
import type { ModelPart } from "./part-layouts.js";

/** How to see a file as a folder. */
export interface SingleFileOptions {
  /** What the caller knows better than the file: settings by part, or a folder with the files of such a model. */
  readonly config?: PartConfigs | ModelFiles | undefined;
}

/** A single file as the folder that Diffusers would have made of it. */
export interface SingleFileModel extends ModelFiles {
  /** Whose structure it has; undefined for an autoencoder or a text encoder alone. */
  readonly family: Family | undefined;
  /** The networks in it, by the names of their folders. */
  readonly parts: readonly ModelPart[];
  /** Tensors that belong to none of them. */
  readonly strayTensors: readonly string[];
  /** By folder: what nothing in the file says, and how to say otherwise. */
  readonly assumptions: ReadonlyMap<string, string>;
}

/**
 * Sees a `.safetensors` file in the layout of its authors (Stable Diffusion 1, 2, XL, the refiner, inpainting; a UNet, a
 * VAE, a text encoder or a ControlNet alone) as a folder in Diffusers' layout: `model_index.json`, `unet/config.json`
 * and so on are made from the shapes of its tensors, and the weights of each part are the same bytes under Diffusers'
 * names. Reads the header only; nothing is converted or written (Diffusers' `from_single_file`).
 *
 * @throws LatentKitError `"unsupported-model"` when the file is something else, saying what, `"invalid-checkpoint"`
 * when it is broken.
 * @throws TypeError when `config` has a key that is no part.
 * @example
 * ```ts
 * const { singleFile } = await openSource("./v1-5-pruned-emaonly.safetensors");
 * if (singleFile) {
 *   const model = await singleFileModel(singleFile);
 *   model.parts; // ["unet", "vae", "text_encoder"]
 *   await model.find("unet/config.json"); // { "_class_name": "UNet2DConditionModel", "in_channels": 4, …
 * }
 * ```
 */
export async function singleFileModel(file: ModelFile, options: SingleFileOptions = {}): Promise<SingleFileModel> {
  // pages that open folders do without it
  const { seenAsFolder } = await import("./seen-as-folder.js");
  return seenAsFolder(file, options);
}
