import { LatentKitError } from "@latentkit/core";
import { TemporaryFailure } from "./hub-failure.js";
import { persist } from "./persist.js";
import { announcedSize, ask, noAnswer, refusalOf, type WebAccess } from "./web-fetch.js";
import type { BlobStore } from "./web-store.js";
import { deleteFile, type FileNote, PART, partsHere, partsOf, writeNote, writePart } from "./web-stored-file.js";

/** A file to bring into a store. */
export interface WebDelivery {
  readonly note: FileNote;
  /** Its path in the model, for messages. */
  readonly name: string;
  readonly store: BlobStore;
  readonly access: WebAccess;
  /** Told the bytes that are here. */
  readonly onBytes: (loaded: number) => void;
}

/**
 * Brings a file part by part, from where an earlier try ended.
 *
 * @throws TemporaryFailure when it fails again and again without getting further, LatentKitError when the server has
 * another file than it said, `signal.reason` after an abort. Parts that arrived are kept.
 */
export async function receive(delivery: WebDelivery): Promise<void> {
  const { note, store, access, onBytes } = delivery;
  await writeNote(store, note);
  let here = await partsHere(store, note);
  onBytes(Math.min(here * PART, note.size));
  const attempt = async () => {
    if (here < partsOf(note.size)) for await (const part of parts(here, delivery)) here = part;
  };
  await persist(attempt, { signal: access.signal, reached: () => here, whenUnreachable: true });
}

/** Keeps the parts from the first on that is missing, and yields how many there are. */
async function* parts(first: number, delivery: WebDelivery): AsyncGenerator<number> {
  const { note, name, store, access, onBytes } = delivery;
  const { url, size } = note;
  const start = first * PART;
  const headers: HeadersInit = start > 0 ? { range: `bytes=${start}-` } : {};
  const response = await ask(url, access, { headers, file: name });
  if (!response.ok) throw refusalOf(response, access, name);
  if (response.status === 206 && (announcedSize(response) ?? size) !== size) await startAnew(delivery, response);
  // a server that knows no ranges begins anew
  let position = response.status === 206 ? start : 0;
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let part = first;
  for await (const bytes of chunks(response, url, access.signal)) {
    if (position + bytes.length > size) await refuseLonger(delivery);
    for (const piece of cut(bytes, position, start)) {
      pieces.push(piece.bytes);
      if (piece.end % PART !== 0 && piece.end !== size) continue;
      await writePart(store, url, part++, new Blob(pieces));
      pieces = [];
      yield part;
    }
    position += bytes.length;
    onBytes(Math.max(position, start));
  }
  if (part === partsOf(size)) return;
  throw new TemporaryFailure(`${url}: the connection was cut at byte ${position}`);
}

async function refuseLonger({ note, store }: WebDelivery): Promise<never> {
  await deleteFile(store, note);
  const message = `${note.url}: the server announced ${note.size} bytes and sends more; let it send the file uncompressed`;
  throw new LatentKitError("download-failed", message);
}

async function startAnew({ note, store, name }: WebDelivery, response: Response): Promise<never> {
  await response.body?.cancel();
  await deleteFile(store, note);
  throw new LatentKitError("download-failed", `${note.url}: the server has another ${name} now; start again`);
}

/** Bytes from `start` on, cut where parts end. */
function* cut(bytes: Uint8Array<ArrayBuffer>, position: number, start: number) {
  let at = Math.max(start - position, 0);
  while (at < bytes.length) {
    const end = Math.min(bytes.length, (Math.floor((position + at) / PART) + 1) * PART - position);
    yield { bytes: bytes.subarray(at, end), end: position + end };
    at = end;
  }
}

async function* chunks(
  response: Response,
  url: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const { done = true, value } = (await reader?.read()) ?? {};
      if (done || value === undefined) return;
      yield value;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause instanceof TypeError ? noAnswer(url, cause) : cause;
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}
