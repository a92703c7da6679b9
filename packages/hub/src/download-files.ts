import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { LatentKitError } from "@latentkit/core";
import { contentHashes } from "./content-hash.js";
import { checkDiskSpace } from "./disk-space.js";
import { type FileStates, type ProgressMeter, progressMeter } from "./download-progress.js";
import { withLock } from "./file-lock.js";
import { givenUp, TemporaryFailure } from "./hub-failure.js";
import { hubFetch } from "./hub-fetch.js";
import type { HubOptions } from "./hub-options.js";
import type { HubSettings } from "./hub-settings.js";
import { inParallel } from "./in-parallel.js";
import { fileUrl, type HubFile, type RepositoryRevision, repositoryPage } from "./list-repository.js";
import { cachedFile, type ModelCache, sizeOf } from "./model-cache.js";
import { receiveFile } from "./receive-file.js";

/** What is downloaded, from where and to where. */
export interface DownloadTask {
  readonly repository: RepositoryRevision;
  readonly commit: string;
  readonly cache: ModelCache;
  readonly settings: HubSettings;
  readonly options: Pick<HubOptions, "onProgress" | "signal">;
}

/** Files that are downloaded at the same time. */
const atOnce = 4;

/**
 * Brings the contents of files into the cache. No snapshot shows them yet.
 *
 * @throws LatentKitError `"download-failed"`, or `"file-not-found"`; `signal.reason` after an abort.
 */
export async function downloadFiles(files: readonly HubFile[], task: DownloadTask): Promise<void> {
  if ((await missingFiles(files, task)).length === 0) return;
  const { onProgress, signal } = task.options;
  const onWait = async () => progressMeter(await statesOf(files, task), onProgress).flush();
  await withLock(task.cache.lock, () => downloadMissing(files, task), { signal, onWait });
}

async function downloadMissing(files: readonly HubFile[], task: DownloadTask): Promise<void> {
  const { cache, options } = task;
  const missing = await missingFiles(files, task);
  if (missing.length === 0) return;
  const states = await statesOf(files, task);
  const rest = missing.map(({ path, size }) => size - (states.get(path)?.loaded ?? 0));
  await checkDiskSpace(
    dirname(cache.folder),
    rest.reduce((a, b) => a + b, 0),
  );
  const meter = progressMeter(states, options.onProgress);
  await inParallel(missing, atOnce, options.signal, (file, signal) => download(file, { ...task, signal, meter }));
  meter.flush();
}

/** Files that are not here yet. Of files of the same content, it is one. */
async function missingFiles(files: readonly HubFile[], { cache, commit }: DownloadTask): Promise<readonly HubFile[]> {
  const places = await Promise.all(files.map((file) => cachedFile(cache, commit, file)));
  const missing = files.filter((_, i) => places[i] === undefined);
  return [...new Map(missing.map((file) => [file.etag, file])).values()];
}

async function statesOf(files: readonly HubFile[], { cache, commit }: DownloadTask): Promise<FileStates> {
  const contents = [...new Map(files.map((file) => [file.etag, file])).values()];
  const states = contents.map(async (file) => {
    const { path, size, etag } = file;
    const isWhole = (await cachedFile(cache, commit, file)) !== undefined;
    return [path, { size, loaded: isWhole ? size : Math.min((await sizeOf(cache.partial(etag))) ?? 0, size) }] as const;
  });
  return new Map(await Promise.all(states));
}

interface FileTask extends DownloadTask {
  readonly signal: AbortSignal;
  readonly meter: ProgressMeter;
}

/** Brings one file, checks it, and only then gives it the name under which it counts. */
async function download(file: HubFile, task: FileTask): Promise<void> {
  const { cache, signal } = task;
  const partial = cache.partial(file.etag);
  const isContinued = ((await sizeOf(partial)) ?? 0) > 0;
  await receive(file, task);
  const fault = await faultOf(partial, file, signal);
  if (fault === undefined) return rename(partial, cache.blob(file.etag));
  await rm(partial, { force: true });
  // the part that lay here may be at fault
  if (isContinued) return download(file, task);
  const message = `${file.path} arrived damaged (${fault}) and was deleted; start again, or ask who runs the server`;
  throw new LatentKitError("download-failed", `${repositoryPage(task.settings, task.repository)}: ${message}`);
}

async function receive(file: HubFile, task: FileTask): Promise<void> {
  const { repository, commit, cache, settings, signal, meter } = task;
  const page = repositoryPage(settings, repository);
  try {
    await receiveFile({
      url: fileUrl(page, commit, file.path),
      fetch: hubFetch({ token: settings.token, signal, page, revision: repository.revision, file: file.path }),
      partial: cache.partial(file.etag),
      size: file.size,
      signal,
      onBytes: (loaded) => meter.update(file.path, loaded),
    });
  } catch (error) {
    if (!(error instanceof TemporaryFailure)) throw error;
    throw givenUp(error, `${file.path} is not complete; start again to continue where it ended`);
  }
}

/** What is wrong with a file that has arrived, or undefined. */
async function faultOf(path: string, { size, etag }: HubFile, signal: AbortSignal): Promise<string | undefined> {
  const found = await sizeOf(path);
  if (found !== size) return `${found} bytes instead of ${size}`;
  const hashes = await contentHashes(path, size, etag, signal);
  const isRight = hashes.length === 0 || hashes.includes(etag);
  return isRight ? undefined : `its hash is ${hashes[0]} instead of ${etag}`;
}
