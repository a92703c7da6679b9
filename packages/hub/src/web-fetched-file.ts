import type { ModelFile } from "@latentkit/core";
import { givenUp, TemporaryFailure } from "./hub-failure.js";
import type { WebPlace } from "./web-place.js";
import { checkQuota, storeFailure } from "./web-quota.js";
import { receive } from "./web-receive.js";
import type { BlobStore } from "./web-store.js";
import { bytesHere, type FileNote, readNote, readStored } from "./web-stored-file.js";

/** A file that is brought into the store when it is first read. */
export async function fetchedFile(
  name: string,
  note: FileNote,
  store: BlobStore,
  { access, progress }: WebPlace,
): Promise<ModelFile> {
  const { size, url } = note;
  progress.add(name, size, await bytesHere(store, note));
  const bring = async () => {
    if ((await bytesHere(store, note)) === size) return;
    await checkQuota(size - (await bytesHere(store, note)));
    await alone(url, access.signal, () =>
      receive({ note, name, store, access, onBytes: (loaded) => progress.update(name, loaded) }),
    );
    progress.flush();
  };
  let brought: Promise<void> | undefined;
  const whole = async () => {
    brought ??= bring();
    try {
      await brought;
    } catch (error) {
      brought = undefined;
      if (!(error instanceof TemporaryFailure)) throw storeFailure(error);
      throw givenUp(error, `${name} is not complete; start again to continue where it ended`);
    }
  };
  return {
    name,
    size,
    async read(...range) {
      await whole();
      return readStored(store, note, name, range);
    },
  };
}

/** A file as it was brought before, when all of it is there. */
export async function storedFile(
  name: string,
  url: string,
  store: BlobStore | undefined,
): Promise<ModelFile | undefined> {
  const note = store && (await readNote(store, url));
  if (!note || (await bytesHere(store, note)) !== note.size) return undefined;
  return { name, size: note.size, read: (...range) => readStored(store, note, name, range) };
}

/** One page at a time fetches a file; the others find it afterwards. */
async function alone(name: string, signal: AbortSignal | undefined, task: () => Promise<void>): Promise<void> {
  const { locks } = globalThis.navigator ?? {};
  if (!locks) return task();
  await locks.request(`latentkit ${name}`, { ...(signal && { signal }) }, task);
}
