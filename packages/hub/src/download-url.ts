import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { isRecord, LatentKitError } from "@latentkit/core";
import { checkFileKind } from "./check-file-kind.js";
import { checkDiskSpace } from "./disk-space.js";
import { progressMeter } from "./download-progress.js";
import { withLock } from "./file-lock.js";
import { givenUp, TemporaryFailure } from "./hub-failure.js";
import { hubFetch } from "./hub-fetch.js";
import type { HubOptions } from "./hub-options.js";
import { hubSettings } from "./hub-settings.js";
import { sizeOf } from "./model-cache.js";
import { persist } from "./persist.js";
import { receiveFile } from "./receive-file.js";
import { systemFailure } from "./system-failure.js";

/** What a server says of a file. */
interface RemoteFile {
  readonly name: string;
  readonly size: number;
  /** Changes with the content. */
  readonly etag: string | undefined;
}

/** Where a file of the web is kept. */
interface Place {
  readonly url: URL;
  readonly folder: string;
  readonly options: HubOptions;
  readonly fetch: typeof fetch;
}

/**
 * Brings a `.safetensors` file of the web to this machine, and gives its path. It is asked for again when the server has
 * another one, and used as it is when the server cannot be asked.
 *
 * @throws LatentKitError `"unsupported-model"` for other kinds of files, `"file-not-found"`, `"download-failed"`;
 * `signal.reason` after an abort.
 */
export async function downloadUrl(url: URL, options: HubOptions = {}): Promise<string> {
  const { signal, token } = options;
  signal?.throwIfAborted();
  const name = posix.basename(decodeURIComponent(url.pathname));
  // a name without an ending may turn out to be one
  if (/\.\w+$/.test(name)) checkFileKind(name, url.href);
  const { filesDir, offline } = await hubSettings(options);
  const folder = join(filesDir, createHash("sha256").update(url.href).digest("hex").slice(0, 16));
  const page = `${url.origin}${url.pathname}`;
  // the Hub's own token is not for other servers
  const place = { url, folder, options, fetch: hubFetch({ token, signal, page, file: name }) };
  if (offline) return cachedUrl(place, new TemporaryFailure(`${page}: HF_HUB_OFFLINE is set`));
  try {
    const remote = await persist(() => ask(place), { signal });
    checkFileKind(remote.name, url.href);
    return await bring(remote, place);
  } catch (error) {
    if (error instanceof TemporaryFailure) return cachedUrl(place, error);
    throw systemFailure(error, filesDir);
  }
}

/** Asks for one byte: servers that sign their addresses answer no HEAD. */
async function ask({ url, fetch }: Place): Promise<RemoteFile> {
  const response = await fetch(url, { headers: { range: "bytes=0-0", "accept-encoding": "identity" } });
  await response.body?.cancel();
  const { headers } = response;
  const [, total = headers.get("content-length") ?? ""] = /\/(\d+)$/.exec(headers.get("content-range") ?? "") ?? [];
  if (!/^\d+$/.test(total)) {
    throw new LatentKitError(
      "download-failed",
      `${url.href}: the server does not tell the size; download it by other means`,
    );
  }
  const [, named] = /filename="?([^";]+)/.exec(headers.get("content-disposition") ?? "") ?? [];
  const etag = headers.get("etag") ?? headers.get("last-modified") ?? undefined;
  const name = posix.basename(named ?? decodeURIComponent(url.pathname)).replaceAll(/[^\w.-]/g, "_");
  return { name, size: Number(total), etag };
}

async function bring(remote: RemoteFile, place: Place): Promise<string> {
  const { folder, options } = place;
  const path = join(folder, remote.name);
  const isHere = async () => (await sizeOf(path)) === remote.size && (await readNote(folder))?.etag === remote.etag;
  if (await isHere()) return path;
  const download = async () => {
    if (!(await isHere())) await receive(remote, path, place);
    return path;
  };
  return withLock(join(folder, "latentkit.lock"), download, { signal: options.signal });
}

async function receive(remote: RemoteFile, path: string, { url, folder, options, fetch }: Place): Promise<void> {
  const { name, size, etag } = remote;
  const version = createHash("sha256")
    .update(etag ?? "")
    .digest("hex")
    .slice(0, 16);
  const partial = `${path}.${version}.incomplete`;
  const loaded = Math.min((await sizeOf(partial)) ?? 0, size);
  await checkDiskSpace(folder, size - loaded);
  const meter = progressMeter(new Map([[name, { size, loaded }]]), options.onProgress);
  // only what is known to be of the same version is continued
  const isStrong = etag?.startsWith('"') ?? false;
  if (!isStrong) await rm(partial, { force: true });
  const onBytes = (bytes: number) => meter.update(name, bytes);
  const ifRange = isStrong ? etag : undefined;
  try {
    await receiveFile({ url: url.href, fetch, partial, size, ifRange, signal: options.signal, onBytes });
  } catch (error) {
    if (!(error instanceof TemporaryFailure)) throw error;
    throw givenUp(error, `${name} is not complete; start again to continue where it ended`);
  }
  meter.flush();
  await rename(partial, path);
  await writeFile(join(folder, "source.json"), JSON.stringify({ url: url.href, name, etag }));
}

async function readNote(folder: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readFile(join(folder, "source.json"), "utf8").catch(() => "null");
  const note: unknown = JSON.parse(text);
  return isRecord(note) ? note : undefined;
}

async function cachedUrl({ url, folder, options }: Place, failure: TemporaryFailure): Promise<string> {
  const name = (await readNote(folder))?.name;
  const path = typeof name === "string" ? join(folder, name) : undefined;
  if (path === undefined || (await sizeOf(path)) === undefined) {
    throw givenUp(failure, "the file was not downloaded before; try again when the network is there");
  }
  options.onWarning?.({ code: "cached-model", message: `${failure.message}; using ${url.href} as downloaded before` });
  return path;
}
