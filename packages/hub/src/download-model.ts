import type { DownloadedModel } from "./cached-model.js";
import { downloadReference } from "./download-reference.js";
import { hubEndpoint } from "./hub-settings.js";
import type { DownloadOptions } from "./model-request.js";
import { sourcePlace } from "./source-place.js";

/**
 * Downloads a model of the Hugging Face Hub, or one file of it, without opening it. What is there already stays; an
 * interrupted download continues where it ended.
 *
 * @param model its id (`owner/name`) or web address.
 * @throws TypeError when it is none. LatentKitError `"file-not-found"`, `"download-failed"` or `"unsupported-model"`;
 * `signal.reason` after an abort.
 * @example
 * ```ts
 * const { path } = await downloadModel("stabilityai/sd-turbo", {
 *   onProgress: ({ loaded, total }) => console.log(`${loaded} of ${total} bytes`),
 * });
 * ```
 */
export async function downloadModel(model: string | URL, options: DownloadOptions = {}): Promise<DownloadedModel> {
  const place = sourcePlace(model, hubEndpoint());
  if (place.kind !== "url" && place.reference) return downloadReference(place.reference, options);
  const text = model instanceof URL ? model.href : JSON.stringify(model);
  throw new TypeError(`model: expected owner/name or the web address of a model on the Hub, got ${text}`);
}
