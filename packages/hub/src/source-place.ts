import { fileURLToPath } from "node:url";
import { type HubReference, hubReference, isModelId, MODEL_FILE } from "./hub-reference.js";

/** What a source names. */
export type SourcePlace =
  /** A path, which may be the id of a model on the Hub when there is nothing at it. */
  | { readonly kind: "path"; readonly path: string; readonly reference?: HubReference }
  | { readonly kind: "hub"; readonly reference: HubReference }
  | { readonly kind: "url"; readonly url: URL };

/**
 * Reads what was passed for a model: a path, the id of a model on the Hub, or a web address.
 *
 * @throws TypeError when it is neither text nor a URL, or is empty or of another kind.
 */
export function sourcePlace(source: string | URL, endpoint: string): SourcePlace {
  if (!(source instanceof URL) && (typeof source !== "string" || source.trim() === "")) throw notASource(source);
  const isUrl = source instanceof URL || (/^[a-z][a-z0-9+.-]+:\/\//i.test(source) && URL.canParse(source));
  if (!isUrl) return pathPlace(String(source));
  const url = new URL(source);
  if (url.protocol === "file:") return { kind: "path", path: fileURLToPath(url) };
  if (url.protocol !== "https:" && url.protocol !== "http:") throw notASource(source);
  const reference = hubReference(url, endpoint);
  return reference ? { kind: "hub", reference } : { kind: "url", url };
}

function notASource(source: unknown): TypeError {
  const text = source instanceof URL ? source.href : JSON.stringify(source);
  return new TypeError(
    `source: expected a folder, a .safetensors file, the id of a model on the Hub (owner/name) or a web address, got ${text}`,
  );
}

function pathPlace(path: string): SourcePlace {
  return isModelId(path) && !MODEL_FILE.test(path)
    ? { kind: "path", path, reference: { id: path } }
    : { kind: "path", path };
}
