import type { ModelFiles } from "@latentkit/core";
import { checkFileKind } from "./check-file-kind.js";
import { type HubReference, hubReference, isModelId, MODEL_FILE } from "./hub-reference.js";
import { isPicked, type PickedModel } from "./is-picked.js";
import { cacheStore } from "./web-cache-store.js";
import { webModel } from "./web-model.js";
import type { WebHubOptions } from "./web-options.js";
import type { WebPlace } from "./web-place.js";
import { webProgress } from "./web-progress.js";
import { singleModel } from "./web-single-model.js";
import type { BlobStore } from "./web-store.js";

const HUB = "https://huggingface.co";

/**
 * Opens a model in a page: the id of one on the Hugging Face Hub (`owner/name`), or its web address; the address of a
 * folder in Diffusers layout, absolute or relative to the page (`./models/tiny/`), or of a `.safetensors` file; what a
 * visitor picked; or the embedded model when `source` is left out. Files are fetched when they are first read, and kept
 * in the browser's cache.
 *
 * @throws TypeError when the source is none of these.
 * @throws LatentKitError `"file-not-found"` when there is no such model, `"download-failed"` when it cannot be had or
 * does not fit, `"unsupported-model"` when it is of a kind that is not opened; `signal.reason` after an abort.
 * @example
 * ```ts
 * const model = await openModel("https://example.com/models/tiny/", {
 *   onProgress: ({ loaded, total }) => console.log(`${loaded} of ${total} bytes`),
 * });
 * ```
 */
export async function openModel(source?: string | URL | PickedModel, options: WebHubOptions = {}): Promise<ModelFiles> {
  options.signal?.throwIfAborted();
  // what a page does not open, it does not load
  if (isPicked(source)) return (await import("./web-picked.js")).pickedModel(source);
  const store = await storeOf(options);
  if (source === undefined)
    return (await import("./web-embedded.js")).embeddedModel(placeAround("the embedded model", store, options));
  const endpoint = (options.endpoint ?? HUB).replace(/\/+$/, "");
  const place = sourcePlace(source, endpoint);
  if (place instanceof URL) return addressModel(place, store, options);
  return modelOfHub(place, endpoint, placeAround(`${endpoint}/${place.id}`, store, options));
}

async function modelOfHub(
  reference: HubReference,
  endpoint: string,
  around: Omit<WebPlace, "location" | "url">,
): Promise<ModelFiles> {
  if (reference.file !== undefined) checkFileKind(reference.file, `${reference.id}/${reference.file}`);
  const { hubPlace } = await import("./web-hub-place.js");
  const { place, file } = await hubPlace(reference, endpoint, around);
  return file === undefined ? webModel(place) : singleModel(file, place);
}

/** A file or a folder somewhere in the web. */
function addressModel(
  url: URL,
  store: BlobStore | undefined,
  options: WebHubOptions,
): Promise<ModelFiles> | ModelFiles {
  const isFile = MODEL_FILE.test(url.pathname);
  if (isFile) checkFileKind(url.pathname, url.href);
  const path = isFile ? url.pathname.slice(0, url.pathname.lastIndexOf("/")) : url.pathname.replace(/\/+$/, "");
  const location = url.origin + path;
  const encoded = (name: string) => name.split("/").map(encodeURIComponent).join("/");
  const place: WebPlace = {
    ...placeAround(location, store, options),
    location,
    url: (name) => `${location}/${encoded(name)}${url.search}`,
  };
  return isFile ? singleModel(decodeURIComponent(url.pathname.slice(path.length + 1)), place) : webModel(place);
}

function placeAround(
  page: string,
  store: BlobStore | undefined,
  options: WebHubOptions,
): Omit<WebPlace, "location" | "url"> {
  const access = { page, token: options.token, signal: options.signal };
  return { access, store, progress: webProgress(options.onProgress), options };
}

/** Browsers block storage in private windows and in frames of other sites: then files are read where they are. */
async function storeOf({ store }: WebHubOptions): Promise<BlobStore | undefined> {
  if (store !== undefined) return store ?? undefined;
  return cacheStore().catch(() => undefined);
}

/** A model on the Hub, or an address. */
function sourcePlace(source: unknown, endpoint: string): HubReference | URL {
  if (typeof source === "string" && isModelId(source) && !MODEL_FILE.test(source)) return { id: source };
  const url = addressOf(source);
  return hubReference(url, endpoint) ?? url;
}

function addressOf(source: unknown): URL {
  const isText = typeof source === "string" && source.trim() !== "";
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const url = source instanceof URL ? source : isText && URL.canParse(source, base) ? new URL(source, base) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url;
  const text = source instanceof URL ? source.href : JSON.stringify(source);
  throw new TypeError(
    "source: expected the id of a model on the Hub (owner/name), the web address of a folder or a .safetensors file, " +
      `or files that were picked, got ${text}`,
  );
}
