import { isRecord, LatentKitError } from "@latentkit/core";
import { TemporaryFailure } from "./hub-failure.js";
import type { HubReference } from "./hub-reference.js";
import { modelPath } from "./model-path.js";
import { persist } from "./persist.js";
import { ask, refusalOf, type WebAccess } from "./web-fetch.js";
import type { WebHubOptions } from "./web-options.js";
import type { FileVersion } from "./web-place.js";
import type { BlobStore } from "./web-store.js";

/** What a revision of a repository holds. */
export interface WebListing {
  readonly commit: string;
  readonly files: ReadonlyMap<string, FileVersion>;
}

/** A revision of a repository, and how to ask for it. */
export interface ListingRequest {
  readonly endpoint: string;
  readonly id: string;
  readonly revision: string;
  readonly access: WebAccess;
  readonly store: BlobStore | undefined;
  readonly options: Pick<WebHubOptions, "onWarning">;
}

/** The revision that a caller means. */
export function revisionOf({ revision }: HubReference, options: WebHubOptions): string {
  return options.revision ?? revision ?? "main";
}

/**
 * Asks the Hub for the commit of a revision and for its files; where it cannot be asked, the answer of the last time counts.
 *
 * @throws TemporaryFailure when there is none, LatentKitError when there is no such repository or it is closed.
 */
export async function listModel(request: ListingRequest): Promise<WebListing> {
  const { endpoint, id, revision, access, store, options } = request;
  const address = `${endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}`;
  const key = `${address}?latentkit=listing`;
  try {
    const listing = await persist(() => askListing(address, request), { signal: access.signal });
    await store?.put(key, new Blob([JSON.stringify({ commit: listing.commit, files: [...listing.files] })]));
    return listing;
  } catch (error) {
    const blob = error instanceof TemporaryFailure ? await store?.get(key) : undefined;
    if (!blob || !(error instanceof Error)) throw error;
    options.onWarning?.({ code: "cached-model", message: `${error.message}; using ${id} as downloaded before` });
    const { commit, files } = JSON.parse(await blob.text());
    return { commit, files: new Map(files) };
  }
}

async function askListing(address: string, { endpoint, id, access }: ListingRequest): Promise<WebListing> {
  const info = await (await answer(address, access)).json();
  const commit = isRecord(info) && typeof info.sha === "string" ? info.sha : undefined;
  if (commit === undefined || !/^[\w-]+$/.test(commit)) throw strange(access, "no commit");
  const files = new Map<string, FileVersion>();
  let page: string | undefined = `${endpoint}/api/models/${id}/tree/${commit}?recursive=true`;
  while (page !== undefined) {
    const response: Response = await answer(page, access);
    const entries: unknown = await response.json();
    if (!Array.isArray(entries)) throw strange(access, "no list of files");
    for (const entry of entries) addFile(entry, files, access);
    page = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
  }
  return { commit, files };
}

async function answer(url: string, access: WebAccess): Promise<Response> {
  const response = await ask(url, access);
  if (!response.ok) throw refusalOf(response, access, undefined);
  return response;
}

/** Paths come from a server; folders are of no interest. */
function addFile(entry: unknown, files: Map<string, FileVersion>, access: WebAccess): void {
  if (!isRecord(entry) || entry.type !== "file") return;
  const { path, oid } = entry;
  const { size } = isRecord(entry.lfs) ? entry.lfs : entry;
  if (typeof path !== "string" || path === "" || modelPath(path) !== path)
    throw strange(access, `the file path ${JSON.stringify(path)}`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    throw strange(access, `${path} with a size of ${size} bytes`);
  files.set(path, { size, ...(typeof oid === "string" && { etag: oid }) });
}

function strange({ page }: WebAccess, what: string): LatentKitError {
  return new LatentKitError("download-failed", `${page}: the server lists ${what}, which cannot be right`);
}
