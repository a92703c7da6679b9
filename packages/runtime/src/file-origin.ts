import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ModelFile } from "@latentkit/core";

/** A file on a disk as it was when a network was opened from it. */
export interface FileOrigin {
  readonly path: string;
  readonly size: number;
  /** When it was last written, and when anything about it was last changed, in milliseconds since 1970. */
  readonly times: readonly number[];
  /** What was made of it, where it was not taken as it is. */
  readonly how?: string;
}

/** What a file's content comes from; undefined for one that is in memory alone. */
export async function originOf({ path, madeOf }: ModelFile): Promise<FileOrigin | undefined> {
  if (path !== undefined) return onDisk(path);
  const origin = madeOf && (await originOf(madeOf.file));
  return origin && { ...origin, how: `${origin.how ?? ""} ${madeOf.how}` };
}

/** Whether a file is another one now, or is there no more; not where its folder is out of reach. */
export async function hasChanged({ path, size, times }: FileOrigin): Promise<boolean> {
  const now = await onDisk(path);
  if (now) return now.size !== size || now.times.some((time, i) => time !== times[i]);
  return (await stat(dirname(path)).catch(() => undefined)) !== undefined;
}

/** Whether a value that was read from JSON is one. */
export function isOrigin(value: unknown): value is FileOrigin {
  const { path, size, times }: Partial<FileOrigin> = Object(value);
  return typeof path === "string" && typeof size === "number" && Array.isArray(times);
}

async function onDisk(path: string): Promise<FileOrigin | undefined> {
  const status = await stat(path).catch(() => undefined);
  return status && { path, size: status.size, times: [status.mtimeMs, status.ctimeMs] };
}
