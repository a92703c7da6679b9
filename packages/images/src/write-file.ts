import { open, rename, rm } from "node:fs/promises";
import { LatentKitError } from "@latentkit/core";

/** Writes a file whole or not at all: under another name beside it first, then renamed. Node only. */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.part`;
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw notWritten(path, cause);
  }
}

function notWritten(path: string, cause: unknown): LatentKitError {
  const missing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  if (missing)
    return new LatentKitError("file-not-found", `${path}: its folder does not exist; create it first`, { cause });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LatentKitError("run-failed", `${path}: could not be written (${reason}); choose another place`, { cause });
}
