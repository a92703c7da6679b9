import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { type FileOrigin, hasChanged } from "./file-origin.js";
import { readFacts } from "./graph-facts.js";

/** Names of kept networks, and of folders that are being written or removed. */
const KEPT = /^[0-9a-f]{32}$/;
const DRAFT = /^[0-9a-f]{32}\.[0-9a-f-]{36}$/;

const HOUR = 3_600_000;
/** Milliseconds without an opening, after which a network is not kept any longer. */
const UNUSED = 30 * 24 * HOUR;
/** Milliseconds without a change, after which what was not written to its end is taken for abandoned. */
const ABANDONED = HOUR;

/** A folder to write a network into before it gets its name. Nothing here fails: what cannot be kept is not kept. */
export interface Draft {
  readonly path: string;
  /** Gives it its name; where another process was faster, its own stays. */
  settle(): Promise<void>;
  discard(): Promise<void>;
}

/** Makes room in a cache, and a draft; undefined where there is no room, or nothing can be written. */
export async function beginDraft(
  cache: string,
  key: string,
  origins: readonly FileOrigin[],
): Promise<Draft | undefined> {
  const path = draftOf(join(cache, key));
  const remove = () => rm(path, { recursive: true, force: true }).catch(() => undefined);
  try {
    await mkdir(path, { recursive: true });
    await removeStale(cache, (await stat(path)).mtimeMs);
    if (await hasRoom(cache, origins))
      return { path, settle: () => rename(path, join(cache, key)).catch(remove), discard: remove };
  } catch {
    // a disk that cannot be written
  }
  await remove();
  return undefined;
}

/** Removes a kept network, under a draft's name first: what is left of it where that fails is removed another time. */
export async function discard(folder: string): Promise<void> {
  const draft = draftOf(folder);
  try {
    await rename(folder, draft);
    await rm(draft, { recursive: true, force: true });
  } catch {
    // it is in use, or another process has removed it
  }
}

const draftOf = (folder: string): string => `${folder}.${randomUUID()}`;

/** Whether weights fit on the disk that are stored in 16 bits and are widened, and those of convolutions by tiles beside them. */
async function hasRoom(cache: string, origins: readonly FileOrigin[]): Promise<boolean> {
  const { bavail, bsize } = await statfs(cache);
  const sizes = new Map(origins.map(({ path, size }) => [path, size]));
  return bavail * bsize > 3 * [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/**
 * Removes networks of changed files, those that nobody has opened for long, and what was not written to its end; whatever
 * else is in the folder stays.
 *
 * @param now by the clock of the disk.
 */
async function removeStale(cache: string, now: number): Promise<void> {
  for (const name of await readdir(cache)) {
    const folder = join(cache, name);
    const isStale = KEPT.test(name) ? isUseless(folder, now) : DRAFT.test(name) && isAbandoned(folder, now);
    if (await isStale) await discard(folder);
  }
}

async function isUseless(folder: string, now: number): Promise<boolean> {
  const facts = await readFacts(folder);
  if (!facts) return false;
  const changed = await Promise.all(facts.origins.map(hasChanged));
  return changed.includes(true) || now - (await lastChange(folder)) > UNUSED;
}

const isAbandoned = async (folder: string, now: number): Promise<boolean> =>
  now - (await lastChange(folder)) > ABANDONED;

/** When a folder or a file in it was last written. */
async function lastChange(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const paths = [folder, ...names.map((name) => join(folder, name))];
  const times = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => undefined))?.mtimeMs ?? 0));
  return Math.max(...times);
}
