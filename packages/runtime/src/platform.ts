import { LatentKitError } from "@latentkit/core";
import type { Backend, Device } from "./backend.js";

/**
 * The backend of a platform that has none yet: anywhere but on Node.
 *
 * @throws LatentKitError `"backend-unavailable"`.
 */
export async function createBackend(_options: { readonly device?: Device } = {}): Promise<Backend> {
  throw new LatentKitError(
    "backend-unavailable",
    "this version runs networks on Node only; pass { backend }, a Backend of your own, elsewhere",
  );
}
