import { LatentKitError, type ModelFiles } from "@latentkit/core";
import type { HubOptions } from "./hub-options.js";

/**
 * The store of a platform that has none yet: anywhere but on Node.
 *
 * @throws LatentKitError `"unsupported-model"`.
 */
export async function openModel(_source?: string | URL, _options?: HubOptions): Promise<ModelFiles> {
  throw new LatentKitError(
    "unsupported-model",
    "this version opens models by path on Node only; pass their files, such as those of memoryModel, elsewhere",
  );
}
