import { stat } from "node:fs/promises";
import type { ModelFile } from "@latentkit/core";

/** A file on a disk as it was when a network was opened from it. */
export interface FileOrigin {
  readonly path: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** What was made of it, where it was not taken as it is. */
  readonly how?: string;
}

/** What a file's content comes from; undefined for one that is in memory alone. */
export async function originOf({ path, madeOf }: ModelFile): Promise<FileOrigin | undefined> {
  if (path !== undefined) return onDisk(path);
  const origin = madeOf && (await originOf(madeOf.file));
  return origin && { ...origin, how: `${origin.how ?? ""} ${madeOf.how}` };
}

/** Whether the file is as it was. */
export async function isUnchanged({ path, size, modified }: FileOrigin): Promise<boolean> {
  const now = await onDisk(path);
  return now?.size === size && now.modified === modified;
}

async function onDisk(path: string): Promise<FileOrigin | undefined> {
  const status = await stat(path).catch(() => undefined);
  return status && { path, size: status.size, modified: status.mtimeMs };
}
