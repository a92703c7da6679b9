import { LatentKitError, type ModelFiles } from "@latentkit/core";
import { singleFileModel } from "./single-file-model.js";
import { findFile } from "./web-model.js";
import type { WebPlace } from "./web-place.js";

/** One `.safetensors` file as a model. */
export async function singleModel(name: string, place: WebPlace): Promise<ModelFiles> {
  const file = await findFile(name, place);
  if (file) return singleFileModel(file, place.url(name));
  throw new LatentKitError("file-not-found", `${place.location} has no file ${name}; check the address`);
}
