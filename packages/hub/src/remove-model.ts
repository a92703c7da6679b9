import { rm } from "node:fs/promises";
import { join } from "node:path";
import { LatentKitError } from "@latentkit/core";
import { type CachedModel, type CachedRevision, cachedModels, entriesIn } from "./cached-models.js";
import type { HubOptions } from "./hub-options.js";

/** What was taken away. */
export interface RemovedModel {
  /** Bytes. */
  readonly freed: number;
  /** The folders. */
  readonly paths: readonly string[];
}

/**
 * Removes a model from the cache: all of it, or one revision, whose files go unless another revision has them too.
 *
 * @param revision a branch, a tag or a commit, which may be cut to its first characters.
 * @throws LatentKitError `"file-not-found"` when it is not there.
 * @example
 * ```ts
 * const { freed } = await removeModel("stabilityai/sd-turbo");
 * ```
 */
export async function removeModel(
  id: string,
  options: Pick<HubOptions, "cacheDir" | "revision"> = {},
): Promise<RemovedModel> {
  const { revision, cacheDir } = options;
  const models = await cachedModels(options);
  const model = models.find((candidate) => candidate.id === id);
  if (!model) {
    const others = models.map((candidate) => candidate.id).join(", ") || "none";
    throw new LatentKitError("file-not-found", `${id} is not in the cache; there are: ${others}`);
  }
  if (revision !== undefined) return removeRevision(model, revision, cacheDir);
  await rm(model.path, { recursive: true });
  return { freed: model.size, paths: [model.path] };
}

async function removeRevision(model: CachedModel, name: string, cacheDir: string | undefined): Promise<RemovedModel> {
  const revision = model.revisions.find(({ commit, refs }) => refs.includes(name) || commit === name);
  const begun = model.revisions.filter(({ commit }) => name.length >= 6 && commit.startsWith(name));
  const chosen = revision ?? (begun.length === 1 ? begun[0] : undefined);
  if (!chosen) {
    const there = model.revisions.map(({ commit, refs }) => [commit, ...refs].join(" = ")).join(", ");
    throw new LatentKitError("file-not-found", `${model.id} has no revision ${name} in the cache; there are: ${there}`);
  }
  const others = model.revisions.filter((other) => other !== chosen);
  if (others.length === 0) return removeModel(model.id, cacheDir === undefined ? {} : { cacheDir });
  await removeBlobs(model, chosen, others);
  await rm(chosen.path, { recursive: true });
  for (const ref of chosen.refs) await rm(join(model.path, "refs", ref), { force: true });
  const [rest] = (await cachedModels(cacheDir === undefined ? {} : { cacheDir })).filter(({ id }) => id === model.id);
  return { freed: model.size - (rest?.size ?? 0), paths: [chosen.path] };
}

/** Removes the contents that only one revision links to. */
async function removeBlobs(
  model: CachedModel,
  chosen: CachedRevision,
  others: readonly CachedRevision[],
): Promise<void> {
  const keysOf = async (path: string) => (await entriesIn(path)).map(({ key }) => key);
  const used = new Set((await Promise.all(others.map(({ path }) => keysOf(path)))).flat());
  const own = new Set(await keysOf(chosen.path));
  const blobs = join(model.path, "blobs");
  for (const { path, key } of await entriesIn(blobs)) {
    if (own.has(key) && !used.has(key)) await rm(join(blobs, path));
  }
}
