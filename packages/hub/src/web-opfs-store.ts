import type { BlobStore } from "./web-store.js";

/** Characters of a name that every file system takes. */
const NAME = 200;
/** Ends the name of every file; it is in no encoded text. */
const END = "=";

/**
 * Keeps blobs in the origin's private file system (OPFS), which browsers evict last and which takes the largest models.
 *
 * @param folder at its top.
 * @throws DOMException where the browser blocks storage, and outside of secure pages.
 * @example
 * ```ts
 * import { openModel, opfsStore } from "@latentkit/hub/web";
 *
 * const files = await openModel("stabilityai/sd-turbo", { store: await opfsStore() });
 * ```
 */
export async function opfsStore(folder = "latentkit"): Promise<BlobStore> {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(folder, { create: true });
  return {
    async get(key) {
      const place = await placeOf(root, key, false);
      return place && present(async () => (await place.folder.getFileHandle(place.name)).getFile());
    },
    async put(key, blob) {
      const place = await placeOf(root, key, true);
      const writable = await (await place!.folder.getFileHandle(place!.name, { create: true })).createWritable();
      await blob.stream().pipeTo(writable);
    },
    async delete(key) {
      const place = await placeOf(root, key, false);
      await (place && present(() => place.folder.removeEntry(place.name)));
    },
    keys: () => keysIn(root, ""),
  };
}

/** A key is a path of as many folders as its length takes; every name but the last is full, so none is both file and folder. */
async function placeOf(root: FileSystemDirectoryHandle, key: string, create: boolean) {
  const names = encodeURIComponent(key).match(new RegExp(`.{1,${NAME}}`, "g")) ?? [];
  const name = `${names.pop()}${END}`;
  let folder = root;
  for (const part of names) {
    const next = await present(() => folder.getDirectoryHandle(part, { create }));
    if (!next) return undefined;
    folder = next;
  }
  return { folder, name };
}

async function keysIn(folder: FileSystemDirectoryHandle, before: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const [name, entry] of folder.entries()) {
    if (entry.kind === "directory") keys.push(...(await keysIn(entry as FileSystemDirectoryHandle, before + name)));
    else if (name.endsWith(END)) keys.push(decodeURIComponent(before + name.slice(0, -1)));
  }
  return keys;
}

/** What is there, or undefined. */
async function present<T>(find: () => Promise<T>): Promise<T | undefined> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotFoundError") return undefined;
    throw error;
  }
}
