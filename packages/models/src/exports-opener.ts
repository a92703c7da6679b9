import type { ModelFiles } from "@latentkit/core";
import { hasWeights } from "@latentkit/onnx";
import type { LoadOptions } from "./load-options.js";
import type * as rareNetworks from "./rare-networks.js";

/**
 * What opens ONNX exports, for a folder without weights named `stem`; loaded only then, so that pages that open checkpoints
 * do without it.
 */
export async function exportsOpener(
  files: ModelFiles,
  stem: string,
  { variant }: LoadOptions,
): Promise<typeof rareNetworks | undefined> {
  if (files.singleFile || (await hasWeights(files, stem, variant))) return undefined;
  return import("./rare-networks.js");
}
