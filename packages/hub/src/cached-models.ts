import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "./folder-model.js";
import type { HubOptions } from "./hub-options.js";
import { hubSettings } from "./hub-settings.js";
import { modelCache } from "./model-cache.js";

/** A model in the cache, whoever downloaded it. */
export interface CachedModel {
  /** `owner/name`. */
  readonly id: string;
  readonly path: string;
  /** Bytes on the disk, of all revisions together: they share files. */
  readonly size: number;
  /** Of these, bytes of files that are not complete. */
  readonly incomplete: number;
  readonly lastUsed: Date;
  readonly revisions: readonly CachedRevision[];
}

/** One commit of a model in the cache. */
export interface CachedRevision {
  readonly commit: string;
  /** Branches and tags that meant this commit when they were asked for last. */
  readonly refs: readonly string[];
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** By path inside. */
  readonly files: readonly string[];
}

/** A file below a folder: where it is, where its content is, and what the system tells of that. */
interface Entry {
  readonly path: string;
  readonly size: number;
  readonly key: string;
  readonly accessed: number;
}

/**
 * The models in the cache, in the order of their ids.
 *
 * @example
 * ```ts
 * for (const { id, size } of await cachedModels()) console.log(id, size);
 * ```
 */
export async function cachedModels(options: Pick<HubOptions, "cacheDir"> = {}): Promise<readonly CachedModel[]> {
  const { cacheDir } = await hubSettings(options);
  const names = await foldersIn(cacheDir);
  const ids = names.flatMap((name) => /^models--(.+)$/.exec(name)?.[1]?.replaceAll("--", "/") ?? []);
  return Promise.all(ids.sort().map((id) => readModel(cacheDir, id)));
}

async function readModel(cacheDir: string, id: string): Promise<CachedModel> {
  const { folder, snapshot } = modelCache(cacheDir, id);
  const refs = await readRefs(join(folder, "refs"));
  const commits = await foldersIn(join(folder, "snapshots"));
  const blobs = await entriesIn(join(folder, "blobs"));
  const read = commits.map(async (commit) => {
    const entries = await entriesIn(snapshot(commit));
    const own = refs.filter((ref) => ref.commit === commit).map(({ name }) => name);
    const files = entries.map(({ path }) => path).sort();
    return { entries, revision: { commit, refs: own, path: snapshot(commit), size: sizeOfAll(entries), files } };
  });
  const revisions = await Promise.all(read);
  const entries = [...blobs, ...revisions.flatMap((revision) => revision.entries)];
  const { mtimeMs } = await stat(folder);
  return {
    id,
    path: folder,
    size: sizeOfAll(entries),
    incomplete: sizeOfAll(blobs.filter(({ path }) => path.endsWith(".incomplete"))),
    lastUsed: new Date(Math.max(...entries.map(({ accessed }) => accessed), ...(entries.length > 0 ? [] : [mtimeMs]))),
    revisions: revisions.map(({ revision }) => revision),
  };
}

/** Of contents that are linked several times, each counts once. */
function sizeOfAll(entries: readonly Entry[]): number {
  return [...new Map(entries.map(({ key, size }) => [key, size])).values()].reduce((a, b) => a + b, 0);
}

/** The files below a folder, links followed; none when there is no such folder. */
export async function entriesIn(folder: string): Promise<readonly Entry[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(noneIfMissing);
  const read = found.map(async (entry): Promise<readonly Entry[]> => {
    const path = join(entry.parentPath, entry.name);
    const status = await stat(path).catch(() => undefined);
    if (!status?.isFile()) return [];
    const { size, dev, ino, atimeMs } = status;
    const inside = path.slice(folder.length + 1).replaceAll("\\", "/");
    return [{ path: inside, size, key: `${dev} ${ino}`, accessed: atimeMs }];
  });
  return (await Promise.all(read)).flat();
}

async function readRefs(folder: string): Promise<readonly { readonly name: string; readonly commit: string }[]> {
  const read = (await entriesIn(folder)).map(async ({ path }) => {
    const text = await readFile(join(folder, path), "utf8");
    return { name: path, commit: text.trim() };
  });
  return Promise.all(read);
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(noneIfMissing);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

function noneIfMissing(error: unknown): never[] {
  if (isMissing(error)) return [];
  throw error;
}
