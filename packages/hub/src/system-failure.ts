import { LatentKitError } from "@latentkit/core";

/** An error of the file system while a model is kept, with what to do about it; any other error as it is. */
export function systemFailure(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return error;
  const isFull = error.code === "ENOSPC" || error.code === "EDQUOT";
  const remedy = isFull
    ? "the disk is full: make room and start again, what arrived is kept"
    : "check its permissions, or choose another folder with cacheDir or HF_HUB_CACHE";
  return new LatentKitError("download-failed", `${folder} cannot be written (${error.message}); ${remedy}`, {
    cause: error,
  });
}
