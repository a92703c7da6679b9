import { join } from "node:path";
import { LatentKitError } from "@latentkit/core";
import { cachedCommit, snapshotFiles } from "./model-cache.js";
import { type ModelRequest, readComponents, selectedFiles } from "./model-request.js";

/** A model of the Hub that is on this machine. */
export interface DownloadedModel {
  /** `owner/name`. */
  readonly id: string;
  readonly commit: string;
  /** The folder of the files. */
  readonly path: string;
  /** The files that were asked for, by path inside. */
  readonly files: readonly string[];
}

/** The files of a snapshot as a model. */
export function downloaded(
  commit: string,
  files: readonly string[],
  { repository, cache }: ModelRequest,
): DownloadedModel {
  return { id: repository.id, commit, path: cache.snapshot(commit), files };
}

/**
 * A model as it was downloaded before, by this library or by Python; undefined when it was not.
 *
 * @param reason why only this machine is looked at, for messages.
 * @throws LatentKitError when parts of it are missing.
 */
export async function cachedModel(request: ModelRequest, reason: string): Promise<DownloadedModel | undefined> {
  const { repository, cache } = request;
  const commit = await cachedCommit(cache, repository.revision);
  if (commit === undefined) return undefined;
  const paths = await snapshotFiles(cache, commit);
  const index = join(cache.snapshot(commit), "model_index.json");
  const components = paths.includes("model_index.json") ? await readComponents(index) : undefined;
  try {
    return downloaded(commit, selectedFiles(paths, components, request), request);
  } catch (cause) {
    if (!LatentKitError.isInstance(cause)) throw cause;
    const message = `${cause.message} (looked only at what is in ${cache.folder}, because ${reason})`;
    throw new LatentKitError(cause.code, message, { cause });
  }
}
