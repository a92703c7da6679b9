import type { ModelFile, ModelFiles } from "@latentkit/core";
import { modelPath } from "./model-path.js";

/** An open file as a model. */
export function singleFileModel(singleFile: ModelFile, location: string): ModelFiles {
  const model: ModelFiles = {
    location,
    singleFile,
    find: async (path) => (modelPath(path) === singleFile.name ? singleFile : undefined),
    at: () => model,
  };
  return model;
}
