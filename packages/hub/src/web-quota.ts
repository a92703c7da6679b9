import { LatentKitError } from "@latentkit/core";
import { byteText } from "./byte-text.js";

const REMEDY = "free some room in this browser (removeModel removes models), or keep no files: store: null";

/**
 * Makes sure that a download will fit, before it begins.
 *
 * @throws LatentKitError `"download-failed"` with what is needed and what the browser gives.
 */
export async function checkQuota(needed: number): Promise<void> {
  const { quota, usage = 0 } = (await globalThis.navigator?.storage?.estimate?.()) ?? {};
  if (quota === undefined || quota - usage >= needed) return;
  const free = byteText(Math.max(quota - usage, 0));
  throw new LatentKitError(
    "download-failed",
    `the download needs ${byteText(needed)}, the browser gives ${free}; ${REMEDY}`,
  );
}

/** What a store threw, said better where the browser's room is used up. */
export function storeFailure(error: unknown): unknown {
  const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
  return isFull
    ? new LatentKitError("download-failed", `the browser's storage is full; ${REMEDY}`, { cause: error })
    : error;
}
