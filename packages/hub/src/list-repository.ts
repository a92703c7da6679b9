import { listFiles, modelInfo } from "@huggingface/hub";
import { LatentKitError } from "@latentkit/core";
import { TemporaryFailure } from "./hub-failure.js";
import { connectionFailure, hubFetch } from "./hub-fetch.js";
import type { HubSettings } from "./hub-settings.js";
import { modelPath } from "./model-path.js";
import { persist } from "./persist.js";

/** A file as the Hub lists it. */
export interface HubFile {
  /** Inside the repository. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** What its content is called: SHA-256 in hexadecimal for large files, the SHA-1 of the git blob for others. */
  readonly etag: string;
}

/** What a revision of a repository holds. */
export interface Listing {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

/** A revision of a repository. */
export interface RepositoryRevision {
  /** `owner/name`. */
  readonly id: string;
  /** A branch, tag or commit. */
  readonly revision: string;
}

/** The web page of a repository. */
export function repositoryPage({ endpoint }: HubSettings, { id }: RepositoryRevision): string {
  return `${endpoint}/${id}`;
}

/** Where a file of a repository is. */
export function fileUrl(page: string, commit: string, path: string): string {
  return `${page}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/**
 * Asks the Hub for the commit of a revision and for its files.
 *
 * @throws LatentKitError when there is no such repository or it is closed, TemporaryFailure when the Hub cannot be asked.
 */
export async function listRepository(
  repository: RepositoryRevision,
  settings: HubSettings,
  signal: AbortSignal | undefined,
): Promise<Listing> {
  const { id, revision } = repository;
  const page = repositoryPage(settings, repository);
  const access = { hubUrl: settings.endpoint, fetch: hubFetch({ token: settings.token, signal, page, revision }) };
  const ask = async (): Promise<Listing> => {
    const { sha } = await modelInfo({ name: id, revision, additionalFields: ["sha"], ...access });
    const files: HubFile[] = [];
    const entries = listFiles({ repo: { type: "model", name: id }, revision: sha, recursive: true, ...access });
    for await (const entry of entries) {
      if (entry.type === "file") files.push(checkFile(entry.path, entry.lfs ?? entry, page));
    }
    return { commit: checkName(sha, "commit", page), files };
  };
  const tell = (error: unknown): never => {
    signal?.throwIfAborted();
    throw listingFailure(error, page);
  };
  return persist(() => ask().catch(tell), { signal });
}

/** Paths and names come from a server and become paths of files. */
function checkFile(path: string, { oid, size }: { oid?: string; size: number }, page: string): HubFile {
  const plain = modelPath(path);
  if (plain !== path || path === "") throw strange(page, `the file path ${JSON.stringify(path)}`);
  if (!Number.isSafeInteger(size) || size < 0) throw strange(page, `${path} with a size of ${size} bytes`);
  return { path, size, etag: checkName(oid, `hash of ${path}`, page) };
}

function checkName(name: unknown, what: string, page: string): string {
  if (typeof name === "string" && /^[\w-]+$/.test(name)) return name;
  throw strange(page, `the ${what} ${JSON.stringify(name)}`);
}

function strange(page: string, what: string): LatentKitError {
  return new LatentKitError("download-failed", `${page}: the server lists ${what}, which cannot be right`);
}

function listingFailure(error: unknown, page: string): Error {
  if (LatentKitError.isInstance(error) || error instanceof TemporaryFailure) return error;
  // a body that is cut in the middle; what is no JSON did not come from a Hub
  if (error instanceof TypeError && error.cause !== undefined) return connectionFailure(page, error);
  const message = `${page}: the answer is not that of a Hugging Face Hub; check HF_ENDPOINT and the network's log-in page`;
  return new LatentKitError("download-failed", message, { cause: error });
}
