import { basename, dirname, resolve } from "node:path";
import { LatentKitError, type ModelFiles } from "@latentkit/core";
import { findFile } from "./folder-model.js";
import { singleFileModel } from "./single-file-model.js";

/** A model that is one `.safetensors` file with all its networks. It has no folders: every part is in the file. */
export async function fileModel(path: string): Promise<ModelFiles> {
  const place = resolve(path);
  const file = await findFile(dirname(place), basename(place));
  if (!file) throw new LatentKitError("file-not-found", `no such file: ${place}; check the path`);
  return singleFileModel(file, place);
}
