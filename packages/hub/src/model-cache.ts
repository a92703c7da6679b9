import { randomUUID } from "node:crypto";
import { copyFile, link, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { getRepoFolderName } from "@huggingface/hub";
import type { HubFile } from "./list-repository.js";

/** Where one repository lies in the cache: `models--owner--name`, as Python's `huggingface_hub` lays it out. */
export interface ModelCache {
  readonly folder: string;
  /** The file that only one process writes at a time. */
  readonly lock: string;
  /** A file's content, under its etag. */
  blob(etag: string): string;
  /** What has arrived of it. */
  partial(etag: string): string;
  /** The files of a commit, each a link to its content. */
  snapshot(commit: string): string;
  /** The commit that a branch or tag meant when it was asked for last. */
  ref(revision: string): string;
}

/** The places of a repository, whether or not anything is there. */
export function modelCache(cacheDir: string, id: string): ModelCache {
  const name = getRepoFolderName({ type: "model", name: id });
  const folder = join(cacheDir, name);
  return {
    folder,
    lock: join(cacheDir, ".locks", name, "latentkit.lock"),
    blob: (etag) => join(folder, "blobs", etag),
    partial: (etag) => join(folder, "blobs", `${etag}.incomplete`),
    snapshot: (commit) => join(folder, "snapshots", commit),
    ref: (revision) => join(folder, "refs", revision),
  };
}

/** Bytes of a file, or undefined when there is none. Links are followed. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const status = await stat(path).catch(() => undefined);
  return status?.isFile() ? status.size : undefined;
}

/** Where a whole file is: in the snapshot, or its content, which another revision may have brought. */
export async function cachedFile(cache: ModelCache, commit: string, file: HubFile): Promise<string | undefined> {
  const places = [join(cache.snapshot(commit), file.path), cache.blob(file.etag)];
  const sizes = await Promise.all(places.map(sizeOf));
  return places.find((_, i) => sizes[i] === file.size);
}

/**
 * Puts a file into its snapshot: a relative link to its content, or the content itself where the system allows no
 * symbolic links, as Windows does by default. Whoever looks on sees no file or a whole one.
 */
export async function linkFile(cache: ModelCache, commit: string, file: HubFile): Promise<void> {
  const place = join(cache.snapshot(commit), file.path);
  if ((await sizeOf(place)) === file.size) return;
  const blob = cache.blob(file.etag);
  await mkdir(dirname(place), { recursive: true });
  const draft = `${place}.${randomUUID()}`;
  try {
    await symlink(relative(dirname(place), blob), draft)
      .catch(() => link(blob, draft))
      .catch(() => copyFile(blob, draft));
    await rename(draft, place);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Notes which commit a branch or tag means. A commit means itself. */
export async function writeRef(cache: ModelCache, revision: string, commit: string): Promise<void> {
  if (revision === commit) return;
  const place = cache.ref(revision);
  // a cache that is complete may lie on a disk that cannot be written
  if ((await readFile(place, "utf8").catch(() => "")) === commit) return;
  await mkdir(dirname(place), { recursive: true });
  const draft = `${place}.${randomUUID()}`;
  await writeFile(draft, commit);
  await rename(draft, place);
}

/** The commit of a revision by what is in the cache, when its snapshot is there. */
export async function cachedCommit(cache: ModelCache, revision: string): Promise<string | undefined> {
  const text = await readFile(cache.ref(revision), "utf8").catch(() => revision);
  const commit = text.trim();
  const folder = await stat(cache.snapshot(commit)).catch(() => undefined);
  return /^[\w-]+$/.test(commit) && folder?.isDirectory() ? commit : undefined;
}

/** The files of a snapshot, by path inside it. */
export async function snapshotFiles(cache: ModelCache, commit: string): Promise<readonly string[]> {
  const root = cache.snapshot(commit);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"));
  const sizes = await Promise.all(paths.map((path) => sizeOf(join(root, path))));
  return paths.filter((_, i) => sizes[i] !== undefined);
}
