import { basename, dirname } from "node:path";
import { LatentKitError, readJson } from "@latentkit/core";
import { findFile } from "./folder-model.js";
import type { HubOptions } from "./hub-options.js";
import type { HubReference } from "./hub-reference.js";
import { type HubSettings, hubSettings } from "./hub-settings.js";
import { type RepositoryRevision, repositoryPage } from "./list-repository.js";
import { type ModelCache, modelCache } from "./model-cache.js";
import { modelComponents } from "./model-components.js";
import { modelPath } from "./model-path.js";
import { neededFiles } from "./needed-files.js";

/** What is downloaded of a model. */
export interface DownloadOptions extends HubOptions {
  /** Every file of the repository rather than those that are needed. */
  readonly all?: boolean;
}

/** One model, its place in the cache, and how to get it. */
export interface ModelRequest {
  readonly repository: RepositoryRevision;
  readonly file: string | undefined;
  readonly cache: ModelCache;
  readonly settings: HubSettings;
  readonly options: DownloadOptions;
}

/** @throws TypeError when an option cannot be. */
export async function modelRequest(reference: HubReference, options: DownloadOptions): Promise<ModelRequest> {
  const settings = await hubSettings(options);
  const { id, file } = reference;
  const revision = checkRevision(options.revision ?? reference.revision ?? "main");
  return { repository: { id, revision }, file, cache: modelCache(settings.cacheDir, id), settings, options };
}

/** Revisions become paths in the cache. */
function checkRevision(revision: string): string {
  if (typeof revision === "string" && revision !== "" && modelPath(revision) === revision) return revision;
  throw new TypeError(`revision: expected a branch, tag or commit, got ${JSON.stringify(revision)}`);
}

/** The paths that are needed out of all that there are. */
export function selectedFiles(
  paths: readonly string[],
  components: readonly string[] | undefined,
  request: ModelRequest,
): readonly string[] {
  const { repository, settings, file, options } = request;
  const place = repositoryPage(settings, repository);
  if (file === undefined) return neededFiles(paths, { ...options, components, place });
  if (paths.includes(file)) return [file];
  const message = `${place} has no file ${file} in revision ${repository.revision}; there are: ${checkpoints(paths)}`;
  throw new LatentKitError("file-not-found", message);
}

function checkpoints(paths: readonly string[]): string {
  const files = paths.filter((path) => path.endsWith(".safetensors"));
  return files.length === 0 ? "no .safetensors files" : files.join(", ");
}

/** The folders that a `model_index.json` lists. */
export async function readComponents(path: string): Promise<readonly string[]> {
  const file = await findFile(dirname(path), basename(path));
  // in the cache its name is a hash
  const index = file ? await readJson({ ...file, name: "model_index.json" }) : {};
  return modelComponents(index);
}
