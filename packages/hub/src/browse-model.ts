import { existsSync } from "node:fs";
import type { ModelFile, ModelFiles } from "@latentkit/core";
import { rangeEnd } from "./byte-range.js";
import { cachedModel } from "./cached-model.js";
import { checkFileKind } from "./check-file-kind.js";
import { downloadReference } from "./download-reference.js";
import { givenUp, TemporaryFailure } from "./hub-failure.js";
import { connectionFailure, hubFetch } from "./hub-fetch.js";
import type { HubOptions } from "./hub-options.js";
import type { HubReference } from "./hub-reference.js";
import { hubEndpoint } from "./hub-settings.js";
import { fileUrl, type HubFile, type Listing, listRepository, repositoryPage } from "./list-repository.js";
import { modelFolder } from "./model-folder.js";
import { type ModelRequest, modelRequest, selectedFiles } from "./model-request.js";
import { modelOf, openModel } from "./open-model.js";
import { persist } from "./persist.js";
import { singleFileModel } from "./single-file-model.js";
import { sourcePlace } from "./source-place.js";

/**
 * A model to look into. As `openModel`, but one of the Hub that is not on this machine is not downloaded: its files are
 * read by range where they are, and have no `path`.
 *
 * @throws TypeError, LatentKitError as `openModel`.
 * @example
 * ```ts
 * const model = await browseModel("stabilityai/stable-diffusion-xl-base-1.0");
 * const unet = await model.find("unet/diffusion_pytorch_model.safetensors"); // { size: 10270077736, … }
 * ```
 */
export async function browseModel(source?: string | URL, options: HubOptions = {}): Promise<ModelFiles> {
  const place = source === undefined ? undefined : sourcePlace(source, hubEndpoint());
  const isAway = place?.kind === "hub" || (place?.kind === "path" && !existsSync(place.path));
  return isAway && place.reference ? browseReference(place.reference, options) : openModel(source, options);
}

async function browseReference(reference: HubReference, options: HubOptions): Promise<ModelFiles> {
  if (reference.file !== undefined) checkFileKind(reference.file, `${reference.id}/${reference.file}`);
  const request = await modelRequest(reference, options);
  // a part of a model is no reason not to look at the whole
  const cached = await cachedModel(request, "").catch(() => undefined);
  if (cached) return modelOf(cached, options);
  if (request.settings.offline) return modelOf(await downloadReference(reference, options), options);
  try {
    return remoteModel(await listRepository(request.repository, request.settings, options.signal), request);
  } catch (error) {
    throw error instanceof TemporaryFailure ? givenUp(error, "try again when the network is there") : error;
  }
}

function remoteModel(listing: Listing, request: ModelRequest): ModelFiles {
  const place = repositoryPage(request.settings, request.repository);
  const paths = listing.files.map(({ path }) => path);
  const wanted = selectedFiles(paths, undefined, request);
  const [only = "", ...others] = wanted;
  const single = listing.files.find(({ path }) => path === only);
  const isSingle = others.length === 0 && only.endsWith(".safetensors") && request.options.subfolder === undefined;
  const read = (file: HubFile) => remoteFile(file, listing.commit, request);
  return isSingle && single
    ? singleFileModel(read(single), `${place}/blob/main/${only}`)
    : modelFolder(place, async (path) => {
        const file = listing.files.find((candidate) => candidate.path === path);
        return file && read(file);
      });
}

function remoteFile(file: HubFile, commit: string, { repository, settings, options }: ModelRequest): ModelFile {
  const { path, size } = file;
  const { signal } = options;
  const page = repositoryPage(settings, repository);
  const url = fileUrl(page, commit, path);
  const fetch = hubFetch({ token: settings.token, signal, page, revision: repository.revision, file: path });
  return {
    name: path,
    size,
    async read(offset = 0, length) {
      const end = rangeEnd({ name: path, size }, offset, length);
      if (end === offset) return new Uint8Array();
      const ask = () => readRange(url, fetch, offset, end).catch((error: unknown) => rethrow(error, page, signal));
      return persist(ask, { signal }).catch((error: unknown) => {
        throw error instanceof TemporaryFailure ? givenUp(error, "try again when the network is there") : error;
      });
    },
  };
}

async function readRange(
  url: string,
  fetch: typeof globalThis.fetch,
  offset: number,
  end: number,
): Promise<Uint8Array> {
  const response = await fetch(url, {
    headers: { range: `bytes=${offset}-${end - 1}`, "accept-encoding": "identity" },
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const part = response.status === 206 ? bytes : bytes.subarray(offset, end);
  if (part.length === end - offset) return part;
  throw new TemporaryFailure(`${url}: ${part.length} bytes came instead of ${end - offset}`);
}

function rethrow(error: unknown, page: string, signal: AbortSignal | undefined): never {
  signal?.throwIfAborted();
  throw error instanceof TypeError ? connectionFailure(page, error) : error;
}
