import { open, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { LatentKitError, type ModelFile, type ModelFiles } from "@latentkit/core";
import { rangeEnd } from "./byte-range.js";
import { modelPath } from "./model-path.js";

/** One read call of the system takes less than 2 GiB. */
const maxRead = 2 ** 30;

/**
 * A model in a folder. Paths never leave it; symbolic links do where they point, as in the Hugging Face cache, whose
 * `snapshots/…` are links to `blobs/…`.
 */
export function folderModel(root: string, inside = ""): ModelFiles {
  return {
    location: join(root, inside),
    async find(path) {
      const name = modelPath(inside, path);
      return name === undefined ? undefined : findFile(root, name);
    },
    at: (folder) => folderModel(root, inside === "" ? folder : `${inside}/${folder}`),
  };
}

/** A file below a folder, with links resolved, or undefined when there is none. */
export async function findFile(root: string, name: string): Promise<ModelFile | undefined> {
  try {
    const path = await realpath(join(root, name));
    const status = await stat(path);
    return status.isFile() ? diskFile(name, path, status.size) : undefined;
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw unreadable(join(root, name), cause);
  }
}

function diskFile(name: string, path: string, size: number): ModelFile {
  return {
    name,
    path,
    size,
    async read(offset = 0, length) {
      const end = rangeEnd({ name, size }, offset, length);
      const bytes = new Uint8Array(end - offset);
      await fill(bytes, path, offset);
      return bytes;
    },
  };
}

/** Reads as many bytes as there is room for. */
async function fill(bytes: Uint8Array, path: string, offset: number): Promise<void> {
  const file = await open(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, done, Math.min(bytes.length - done, maxRead), offset + done);
      if (bytesRead === 0) {
        const message = `${path}: the file ends at byte ${offset + done}, before it should; download it again`;
        throw new LatentKitError("invalid-checkpoint", message);
      }
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** Whether a system error says that there is nothing at a path. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function unreadable(path: string, cause: unknown): LatentKitError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LatentKitError("file-not-found", `${path}: cannot be read (${reason}); check its permissions`, { cause });
}
