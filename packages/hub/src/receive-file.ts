import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { LatentKitError } from "@latentkit/core";
import { TemporaryFailure } from "./hub-failure.js";
import { connectionFailure } from "./hub-fetch.js";
import { sizeOf } from "./model-cache.js";
import { persist } from "./persist.js";

/** A file to fetch. */
export interface Delivery {
  readonly url: string;
  /** Asks the server: `hubFetch`, which throws what is no success. */
  readonly fetch: typeof fetch;
  /** Where bytes gather; what lies there already is continued. */
  readonly partial: string;
  /** Bytes, when known beforehand. */
  readonly size: number;
  /** A strong etag of this server, for files whose name does not tell their content. */
  readonly ifRange?: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Told the bytes that are here. */
  readonly onBytes: (loaded: number) => void;
}

/** Milliseconds without a byte, after which a connection counts as cut. */
const stall = 30_000;

/**
 * Brings a file's bytes, from where an earlier try ended. Cuts are continued; a server that knows no ranges begins anew.
 *
 * @throws TemporaryFailure when it fails again and again without getting further, `signal.reason` after an abort. What
 * arrived is kept.
 */
export async function receiveFile(delivery: Delivery): Promise<void> {
  const { partial, size, signal, onBytes } = delivery;
  await mkdir(dirname(partial), { recursive: true });
  if (((await sizeOf(partial)) ?? 0) > size) await rm(partial);
  let here = (await sizeOf(partial)) ?? 0;
  const onReceived = (loaded: number) => {
    here = loaded;
    onBytes(loaded);
  };
  const attempt = async () => {
    // also where nothing is to be asked for: a file may be empty
    await (await open(partial, "a")).close();
    if (here < size) await request(here, { ...delivery, onBytes: onReceived });
  };
  await persist(attempt, { signal, reached: () => here, whenUnreachable: true });
}

/** One request for all bytes from an offset. */
async function request(offset: number, delivery: Delivery): Promise<void> {
  const { url, fetch, partial, size, ifRange } = delivery;
  const response = await fetch(url, {
    headers: {
      // the bytes of the file itself, so that ranges mean them
      "accept-encoding": "identity",
      ...(offset > 0 && { range: `bytes=${offset}-` }),
      ...(offset > 0 && ifRange !== undefined && { "if-range": ifRange }),
    },
  });
  const start = response.status === 206 ? rangeStart(response, url) : 0;
  if (response.status === 416 || start > offset || totalOf(response, start, size) !== size) {
    await response.body?.cancel();
    await rm(partial, { force: true });
    delivery.onBytes(0);
    throw otherFile(`${url}: the server has another file than the one of ${size} bytes that was announced`, offset);
  }
  const file = await open(partial, "r+");
  try {
    // what lies behind is older than what comes now
    await file.truncate(start);
    await pour(response, file, start, delivery);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** What lay here may be at fault; after that, the server is. */
function otherFile(message: string, offset: number): Error {
  if (offset > 0) return new TemporaryFailure(message);
  return new LatentKitError("download-failed", `${message}; try again later, or check the network's log-in page`);
}

async function pour(response: Response, file: FileHandle, start: number, delivery: Delivery): Promise<void> {
  const { url, size, signal, onBytes } = delivery;
  const reader = response.body?.getReader();
  let position = start;
  onBytes(position);
  try {
    for (;;) {
      const chunk = await nextChunk(reader, url, signal);
      if (chunk === undefined) break;
      if (position + chunk.length > size)
        throw new TemporaryFailure(`${url}: the server sends more than ${size} bytes`);
      await write(file, chunk, position);
      position += chunk.length;
      onBytes(position);
    }
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
  if (position < size) throw new TemporaryFailure(`${url}: the file ended at byte ${position} of ${size}`);
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function nextChunk(
  reader: Reader | undefined,
  url: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    const message = `${url}: nothing came for ${stall / 1000} seconds`;
    timer = setTimeout(() => reject(new TemporaryFailure(message)), stall);
  });
  try {
    return (await Promise.race([reader?.read(), silence]))?.value;
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof TemporaryFailure ? error : connectionFailure(url, error);
  } finally {
    clearTimeout(timer);
  }
}

async function write(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** `Content-Range: bytes 100-199/200` starts at 100. */
function rangeStart(response: Response, url: string): number {
  const range = /^bytes (\d+)-\d+\//.exec(response.headers.get("content-range") ?? "");
  if (range) return Number(range[1]);
  throw new TemporaryFailure(`${url}: the server sends a part of the file and does not say which`);
}

/** What the server says that the whole file has, or what is expected when it does not say. */
function totalOf({ headers }: Response, start: number, expected: number): number {
  const [, total] = /\/(\d+)$/.exec(headers.get("content-range") ?? "") ?? [];
  if (total !== undefined) return Number(total);
  const length = headers.get("content-length");
  return length === null || headers.get("content-encoding") !== null ? expected : start + Number(length);
}
