import { LatentKitError } from "@latentkit/core";
import { cachedModel, type DownloadedModel, downloaded } from "./cached-model.js";
import { downloadFiles } from "./download-files.js";
import { givenUp, TemporaryFailure } from "./hub-failure.js";
import type { HubReference } from "./hub-reference.js";
import { type HubFile, type Listing, listRepository } from "./list-repository.js";
import { cachedFile, linkFile, writeRef } from "./model-cache.js";
import {
  type DownloadOptions,
  type ModelRequest,
  modelRequest,
  readComponents,
  selectedFiles,
} from "./model-request.js";
import { systemFailure } from "./system-failure.js";

/**
 * Brings a model, or one file of it, from the Hub into the cache. What is there already is not downloaded again, and is
 * used as it is when the Hub cannot be asked.
 *
 * @throws LatentKitError `"file-not-found"` when there is no such model, revision or file, `"download-failed"` when it
 * cannot be had, `"unsupported-model"` when it holds no weights that can be opened; `signal.reason` after an abort.
 */
export async function downloadReference(
  reference: HubReference,
  options: DownloadOptions = {},
): Promise<DownloadedModel> {
  options.signal?.throwIfAborted();
  const request = await modelRequest(reference, options);
  const { settings } = request;
  if (settings.offline) return offlineModel(request);
  try {
    const listing = await listRepository(request.repository, settings, options.signal);
    return await downloadListed(listing, request);
  } catch (error) {
    if (error instanceof TemporaryFailure) return cachedInstead(request, error);
    throw systemFailure(error, settings.cacheDir);
  }
}

async function downloadListed(listing: Listing, request: ModelRequest): Promise<DownloadedModel> {
  const { repository, cache } = request;
  const { commit } = listing;
  const task = { ...request, commit };
  const wanted = new Set(await wantedFiles(listing, request));
  const files = listing.files.filter((file) => wanted.has(file.path));
  await downloadFiles(files, task);
  // not before all are here: what a snapshot shows can be opened
  for (const file of files) await linkFile(cache, commit, file);
  await writeRef(cache, repository.revision, commit);
  return downloaded(commit, [...wanted], request);
}

async function wantedFiles({ commit, files }: Listing, request: ModelRequest): Promise<readonly string[]> {
  const { cache, options, file } = request;
  const { signal } = options;
  const paths = files.map(({ path }) => path);
  if (options.all && file === undefined) return paths;
  const index = indexFile(files, request);
  if (!index) return selectedFiles(paths, undefined, request);
  // a few hundred bytes, and no part of the download that is told of
  await downloadFiles([index], { ...request, commit, options: { ...(signal && { signal }) } });
  const path = await cachedFile(cache, commit, index);
  return selectedFiles(paths, path === undefined ? undefined : await readComponents(path), request);
}

function indexFile(files: readonly HubFile[], { file, options }: ModelRequest): HubFile | undefined {
  const isOfNoUse = file !== undefined || options.subfolder !== undefined;
  return isOfNoUse ? undefined : files.find(({ path }) => path === "model_index.json");
}

async function offlineModel(request: ModelRequest): Promise<DownloadedModel> {
  const cached = await cachedModel(request, "HF_HUB_OFFLINE is set");
  if (cached) return cached;
  const { repository, settings } = request;
  const message =
    `HF_HUB_OFFLINE is set, and ${repository.id}, revision ${repository.revision}, is not in ${settings.cacheDir}; ` +
    "unset it to download the model";
  throw new LatentKitError("file-not-found", message);
}

/** The model as it was downloaded before. */
async function cachedInstead(request: ModelRequest, failure: TemporaryFailure): Promise<DownloadedModel> {
  const { repository, settings, options } = request;
  const cached = await cachedModel(request, failure.message);
  if (!cached) {
    const remedy = `${repository.id} is not in ${settings.cacheDir} either; try again when the network is there`;
    throw givenUp(failure, remedy);
  }
  const message = `${failure.message}; using ${repository.id} as downloaded before, commit ${cached.commit}`;
  options.onWarning?.({ code: "cached-model", message });
  return cached;
}
