import { LatentKitError } from "@latentkit/core";
import { cacheStore } from "./web-cache-store.js";
import type { BlobStore } from "./web-store.js";
import { bytesHere, deleteFile, type FileNote, notesIn } from "./web-stored-file.js";

/** A model that the page keeps. */
export interface CachedWebModel {
  /** Its web address. */
  readonly location: string;
  /** Bytes that are here. */
  readonly size: number;
  readonly files: readonly CachedWebFile[];
}

/** A file of it. */
export interface CachedWebFile {
  /** Its web address. */
  readonly url: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes that are here; fewer than `size` when its download was interrupted. */
  readonly loaded: number;
}

/**
 * The models that the page keeps.
 *
 * @param store the Cache API when left out.
 * @example
 * ```ts
 * import { cachedModels } from "@latentkit/hub/web";
 *
 * for (const { location, size } of await cachedModels()) console.log(location, size);
 * ```
 */
export async function cachedModels(store?: BlobStore): Promise<CachedWebModel[]> {
  const place = store ?? (await cacheStore());
  const models = new Map<string, CachedWebFile[]>();
  for (const note of await notesIn(place)) {
    const file = { url: note.url, size: note.size, loaded: await bytesHere(place, note) };
    models.set(note.model, [...(models.get(note.model) ?? []), file]);
  }
  return [...models].map(([location, files]) => ({
    location,
    size: files.reduce((sum, { loaded }) => sum + loaded, 0),
    files,
  }));
}

/**
 * Removes a model that the page keeps.
 *
 * @param location as `cachedModels` tells it.
 * @throws LatentKitError `"file-not-found"` when it is not there.
 * @example
 * ```ts
 * import { removeModel } from "@latentkit/hub/web";
 *
 * await removeModel("https://huggingface.co/stabilityai/sd-turbo");
 * ```
 */
export async function removeModel(location: string, store?: BlobStore): Promise<void> {
  const place = store ?? (await cacheStore());
  const notes = await notesIn(place);
  const files = notes.filter(({ model }: FileNote) => model === location);
  if (files.length === 0) {
    const there = [...new Set(notes.map(({ model }) => model))].join(", ") || "none";
    throw new LatentKitError("file-not-found", `${location} is not kept here; there are: ${there}`);
  }
  for (const file of files) await deleteFile(place, file);
}
