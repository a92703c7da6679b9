import type { ModelFile, ModelFiles } from "@latentkit/core";
import { modelPath } from "./model-path.js";

/** A model whose files `find` knows by their plain path: `unet/config.json`. */
export function modelFolder(
  location: string,
  find: (path: string) => Promise<ModelFile | undefined>,
  inside = "",
): ModelFiles {
  return {
    location: inside === "" ? location : `${location}/${inside}`,
    async find(path) {
      const name = modelPath(inside, path);
      return name === undefined ? undefined : find(name);
    },
    at: (folder) => modelFolder(location, find, inside === "" ? folder : `${inside}/${folder}`),
  };
}
