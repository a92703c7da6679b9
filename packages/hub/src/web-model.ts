import type { ModelFile, ModelFiles } from "@latentkit/core";
import { givenUp, TemporaryFailure } from "./hub-failure.js";
import { memoryFile } from "./memory-model.js";
import { modelFolder } from "./model-folder.js";
import { fetchedFile, storedFile } from "./web-fetched-file.js";
import type { WebPlace } from "./web-place.js";
import { storeFailure } from "./web-quota.js";
import { fetchWhole, rangedFile, remoteVersion } from "./web-remote-file.js";
import { notesIn, partsOf, writeNote, writePart } from "./web-stored-file.js";

/** Whether a file is read whole when it is found: configurations and vocabularies. */
export const isSmall = (name: string): boolean => /\.(json|txt|model)$/.test(name);

/**
 * The files of a model on a server. Each is fetched when it is first read, whole, and kept in the store; without a store
 * they are read by range.
 */
export function webModel(place: WebPlace): ModelFiles {
  const found = new Map<string, Promise<ModelFile | undefined>>();
  return modelFolder(place.location, (name) => {
    const file = found.get(name) ?? findFile(name, place);
    found.set(name, file);
    // what failed may be there next time
    file.catch(() => found.delete(name));
    return file;
  });
}

/** One file of a model on a server, or undefined when there is none. */
export async function findFile(name: string, place: WebPlace): Promise<ModelFile | undefined> {
  try {
    return await (isSmall(name) ? smallFile(name, place) : largeFile(name, place));
  } catch (error) {
    if (!(error instanceof TemporaryFailure)) throw storeFailure(error);
    return storedInstead(name, place, error);
  }
}

/** A file as it was found before; where others of the model were, one that was not found then is not there. */
async function storedInstead(name: string, place: WebPlace, failure: TemporaryFailure): Promise<ModelFile | undefined> {
  const { location, store, options } = place;
  const url = place.url(name);
  const notes = store ? (await notesIn(store)).filter(({ model }) => model === location) : [];
  const file = await storedFile(name, url, store);
  const isUnknown = !file && (notes.length === 0 || notes.some((note) => note.url === url));
  if (isUnknown) throw givenUp(failure, "try again when the network is there");
  if (file)
    options.onWarning?.({ code: "cached-model", message: `${failure.message}; using ${name} as downloaded before` });
  return file;
}

async function smallFile(name: string, place: WebPlace): Promise<ModelFile | undefined> {
  const { listed, store, location: model } = place;
  const url = place.url(name);
  const stored = listed && (await storedFile(name, url, store));
  if (stored) return stored;
  const bytes = await fetchWhole(name, place);
  if (!bytes) return undefined;
  if (store) {
    await writeNote(store, { url, model, size: bytes.length });
    // such files are far smaller than a part
    if (partsOf(bytes.length) === 1) await writePart(store, url, 0, new Blob([bytes]));
  }
  return memoryFile(name, bytes);
}

async function largeFile(name: string, place: WebPlace): Promise<ModelFile | undefined> {
  const { store, location: model } = place;
  const version = await remoteVersion(name, place);
  if (!version) return undefined;
  const note = { url: place.url(name), model, ...version };
  return store ? fetchedFile(name, note, store, place) : rangedFile(name, version, place);
}
