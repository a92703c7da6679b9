import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { LatentKitError } from "@latentkit/core";
import { byteText } from "./byte-text.js";

/**
 * Makes sure that a download will fit, before it begins.
 *
 * @param folder need not exist yet.
 * @throws LatentKitError `"download-failed"` with what is needed and what is free.
 */
export async function checkDiskSpace(folder: string, needed: number): Promise<void> {
  const free = await freeSpace(folder);
  if (free === undefined || free >= needed) return;
  throw new LatentKitError(
    "download-failed",
    `${folder}: the download needs ${byteText(needed)}, and ${byteText(free)} are free on that disk; ` +
      "make room (latentkit models rm removes models), or choose a folder on another disk with cacheDir or HF_HUB_CACHE",
  );
}

/** Bytes, or undefined where the system does not tell. */
async function freeSpace(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    const parent = dirname(folder);
    return parent === folder ? undefined : freeSpace(parent);
  }
}
