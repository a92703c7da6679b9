import { isRecord, type ModelFile } from "@latentkit/core";
import { rangeEnd } from "./byte-range.js";
import type { BlobStore } from "./web-store.js";

/** What is kept of a file of the web. */
export interface FileNote {
  /** Its web address. */
  readonly url: string;
  /** The web address of the model that it is part of, or the file's own. */
  readonly model: string;
  /** Bytes. */
  readonly size: number;
  /** Changes with the content, where the server tells. */
  readonly etag?: string | undefined;
}

/** Bytes of a part. What is cut in the middle of one is fetched again, and this much is held in memory. */
export const PART: number = 16 * 2 ** 20;

/** How many parts a file has; of an empty one none. */
export const partsOf = (size: number): number => Math.ceil(size / PART);
const noteKey = (url: string): string => keyOf(url, "note");
const partKey = (url: string, part: number): string => keyOf(url, String(part));

/** Signatures in an address change with every visit. */
function keyOf(url: string, part: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}?latentkit=${part}`;
}

/** The note of a file that was begun, or undefined. */
export async function readNote(store: BlobStore, url: string): Promise<FileNote | undefined> {
  return parseNote(await store.get(noteKey(url)));
}

async function parseNote(blob: Blob | undefined): Promise<FileNote | undefined> {
  const note: unknown = blob && JSON.parse(await blob.text());
  if (!isRecord(note) || typeof note.url !== "string" || typeof note.model !== "string") return undefined;
  const { url, model, size, etag } = note;
  return typeof size === "number" ? { url, model, size, ...(typeof etag === "string" && { etag }) } : undefined;
}

/** Begins a file. What lies there of another version goes. */
export async function writeNote(store: BlobStore, note: FileNote): Promise<void> {
  const old = await readNote(store, note.url);
  if (isSame(old, note)) return;
  if (old) await deleteFile(store, old);
  await store.put(noteKey(note.url), new Blob([JSON.stringify(note)], { type: "application/json" }));
}

/** Keeps a part of a file. */
export function writePart(store: BlobStore, url: string, part: number, blob: Blob): Promise<void> {
  return store.put(partKey(url, part), blob);
}

/** How many parts of a file are there, counted from the first; none of another version. */
export async function partsHere(store: BlobStore, note: FileNote): Promise<number> {
  if (!isSame(await readNote(store, note.url), note)) return 0;
  const keys = new Set(await store.keys());
  let parts = 0;
  while (parts < partsOf(note.size) && keys.has(partKey(note.url, parts))) parts++;
  return parts;
}

/** How many bytes of a file are there, counted from the first. */
export async function bytesHere(store: BlobStore, note: FileNote): Promise<number> {
  return Math.min((await partsHere(store, note)) * PART, note.size);
}

function isSame(old: FileNote | undefined, note: FileNote): boolean {
  return old !== undefined && old.size === note.size && old.etag === note.etag;
}

/** Removes what is kept of a file. */
export async function deleteFile(store: BlobStore, { url, size }: FileNote): Promise<void> {
  // the note goes last: while it is there, the parts can be found
  for (let part = partsOf(size) - 1; part >= 0; part--) await store.delete(partKey(url, part));
  await store.delete(noteKey(url));
}

/** Every file that was begun. */
export async function notesIn(store: BlobStore): Promise<FileNote[]> {
  const notes: FileNote[] = [];
  for (const key of await store.keys()) {
    const note = key.endsWith("?latentkit=note") ? await parseNote(await store.get(key)) : undefined;
    if (note) notes.push(note);
  }
  return notes;
}

/** Bytes of a file that is here whole. */
export async function readStored(
  store: BlobStore,
  { url, size }: FileNote,
  name: string,
  [offset = 0, length]: Parameters<ModelFile["read"]>,
): Promise<Uint8Array> {
  const end = rangeEnd({ name, size }, offset, length);
  const bytes = new Uint8Array(end - offset);
  for (let at = offset; at < end; ) {
    const part = Math.floor(at / PART);
    const blob = await store.get(partKey(url, part));
    if (!blob) throw new DOMException(`part ${part} of ${name} is gone`, "NotFoundError");
    const from = at - part * PART;
    const piece = await blob.slice(from, Math.min(PART, end - part * PART)).arrayBuffer();
    bytes.set(new Uint8Array(piece), at - offset);
    at += piece.byteLength;
  }
  return bytes;
}
