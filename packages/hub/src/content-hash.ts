import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/**
 * What a file's content may be called on the Hub, in the manner of the etag given: SHA-256 for large files, and for
 * others the SHA-1 of a git blob, whose text begins with `blob`, the size and a zero. Mirrors that keep no git take the
 * plain SHA-1. None for other etags, which do not tell the content.
 */
export async function contentHashes(
  path: string,
  size: number,
  etag: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const hashes = startedHashes(size, etag);
  if (hashes.length === 0) return [];
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    signal?.throwIfAborted();
    for (const hash of hashes) hash.update(chunk);
  }
  return hashes.map((hash) => hash.digest("hex"));
}

function startedHashes(size: number, etag: string): ReturnType<typeof createHash>[] {
  if (/^[0-9a-f]{64}$/.test(etag)) return [createHash("sha256")];
  if (/^[0-9a-f]{40}$/.test(etag)) return [createHash("sha1").update(`blob ${size}\0`), createHash("sha1")];
  return [];
}
