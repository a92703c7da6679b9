import { LatentKitError, type ModelFile } from "@latentkit/core";
import { rangeEnd } from "./byte-range.js";
import { givenUp, TemporaryFailure } from "./hub-failure.js";
import { persist } from "./persist.js";
import { announcedSize, ask, isAbsent, refusalOf } from "./web-fetch.js";
import type { FileVersion, WebPlace } from "./web-place.js";

/**
 * What a server says of a file, or undefined when there is none.
 *
 * @throws TemporaryFailure when it does not answer, LatentKitError when it does not tell the size.
 */
export async function remoteVersion(name: string, place: WebPlace): Promise<FileVersion | undefined> {
  const { access, listed } = place;
  if (listed) return listed.get(name);
  return persist(() => askVersion(name, place), { signal: access.signal });
}

/** HEAD is answered with a size that any page may read; servers that sign their addresses answer only GET. */
async function askVersion(name: string, { url, access }: WebPlace): Promise<FileVersion | undefined> {
  const head = await ask(url(name), access, { method: "HEAD", file: name });
  const tells = isAbsent(head) || (head.ok && announcedSize(head) !== undefined);
  const response = tells ? head : await ask(url(name), access, { headers: { range: "bytes=0-0" }, file: name });
  await response.body?.cancel();
  if (isAbsent(response)) return undefined;
  if (!response.ok) throw refusalOf(response, access, name);
  const size = announcedSize(response);
  if (size !== undefined) return { size, etag: etagOf(response) };
  const headers = "Content-Length, or Content-Range and Access-Control-Expose-Headers: Content-Range";
  throw new LatentKitError(
    "download-failed",
    `${url(name)}: the server does not tell the size; let it send ${headers}`,
  );
}

function etagOf({ headers }: Response): string | undefined {
  return headers.get("etag") ?? headers.get("last-modified") ?? undefined;
}

/** A small file, or undefined when there is none. @throws TemporaryFailure when the server does not answer. */
export async function fetchWhole(
  name: string,
  { url, access, listed }: WebPlace,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (listed && !listed.has(name)) return undefined;
  const response = await persist(() => ask(url(name), access, { file: name, cache: "no-cache" }), {
    signal: access.signal,
  });
  // what is listed and refused is closed
  if (!listed && isAbsent(response)) return undefined;
  if (!response.ok) throw refusalOf(response, access, name);
  return new Uint8Array(await response.arrayBuffer());
}

/** A file that is read where it is. Where the server knows no ranges, the browser keeps it whole. */
export function rangedFile(name: string, { size }: FileVersion, { url, access }: WebPlace): ModelFile {
  let whole: Blob | undefined;
  // an abort ends the opening of a model, not the work with it
  const lasting = { ...access, signal: undefined };
  const fetchRange = async (offset: number, end: number): Promise<Blob> => {
    if (whole) return whole.slice(offset, end);
    const headers = { range: `bytes=${offset}-${end - 1}` };
    const response = await ask(url(name), lasting, { headers, file: name });
    if (!response.ok) throw refusalOf(response, access, name);
    const blob = await response.blob();
    if (response.status === 206) return blob;
    whole = blob;
    return whole.slice(offset, end);
  };
  return {
    name,
    size,
    async read(offset = 0, length) {
      const end = rangeEnd({ name, size }, offset, length);
      if (end === offset) return new Uint8Array();
      const blob = await persist(() => fetchRange(offset, end), { signal: undefined }).catch((error: unknown) => {
        throw error instanceof TemporaryFailure ? givenUp(error, "try again when the network is there") : error;
      });
      if (blob.size === end - offset) return new Uint8Array(await blob.arrayBuffer());
      throw new LatentKitError("download-failed", `${url(name)}: ${blob.size} bytes came instead of ${end - offset}`);
    },
  };
}
