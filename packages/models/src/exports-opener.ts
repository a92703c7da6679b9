import type { ModelFiles } from "@latentkit/core";
import { hasWeights } from "@latentkit/onnx";
import type * as exportedNetworks from "./exported-networks.js";
import type { LoadOptions } from "./load-options.js";

/**
 * What opens ONNX exports, for a folder without weights named `stem`; loaded only then, so that pages that open checkpoints
 * do without it.
 */
export async function exportsOpener(
  files: ModelFiles,
  stem: string,
  { variant }: LoadOptions,
): Promise<typeof exportedNetworks | undefined> {
  if (files.singleFile || (await hasWeights(files, stem, variant))) return undefined;
  return import("./exported-networks.js");
}
