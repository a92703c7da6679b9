import { fileURLToPath } from "node:url";
import { LatentKitError } from "@latentkit/core";

/** A model on the Hub, or one file of a repository there. */
export interface HubReference {
  /** `owner/name`. */
  readonly id: string;
  readonly revision?: string;
  /** Path of a `.safetensors` file inside. */
  readonly file?: string;
}

/** What a source names. */
export type SourcePlace =
  /** A path, which may be the id of a model on the Hub when there is nothing at it. */
  | { readonly kind: "path"; readonly path: string; readonly reference?: HubReference }
  | { readonly kind: "hub"; readonly reference: HubReference }
  | { readonly kind: "url"; readonly url: URL };

const HOSTS = ["huggingface.co", "www.huggingface.co", "hf.co"];
const FILE = /\.(safetensors|ckpt|pt|pth|bin|pkl|gguf|onnx)$/i;

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
  return isModelId(path) && !FILE.test(path) ? { kind: "path", path, reference: { id: path } } : { kind: "path", path };
}

/** Whether a text may be the id of a model on the Hub: `owner/name`. */
export function isModelId(text: string): boolean {
  const names = text.split("/");
  const isName = (name: string) => /^\w([\w.-]*\w)?$/.test(name) && !/--|\.\./.test(name) && name.length <= 96;
  return names.length === 2 && names.every(isName);
}

/** `https://huggingface.co/owner/name`, also with `/tree/main`, or with `/blob/main/model.safetensors`. */
function hubReference(url: URL, endpoint: string): HubReference | undefined {
  const hub = new URL(endpoint);
  const base = url.host === hub.host ? hub.pathname.replace(/\/$/, "") : "";
  if (!(HOSTS.includes(url.host) || url.host === hub.host) || !url.pathname.startsWith(`${base}/`)) return undefined;
  const [owner, name, kind, revision, ...file] = url.pathname
    .slice(base.length + 1)
    .replace(/\/$/, "")
    .split("/")
    .map(decodeURIComponent);
  const id = `${owner}/${name}`;
  // a server of one's own may hold plain files too
  if (url.host === hub.host && !HOSTS.includes(url.host) && kind === undefined && FILE.test(id)) return undefined;
  if (!isModelId(id) || ["datasets", "spaces"].includes(owner ?? "")) throw noModel(url);
  if (kind === undefined) return { id };
  if (revision !== undefined && kind === "tree" && file.length === 0) return { id, revision };
  if (revision !== undefined && (kind === "blob" || kind === "resolve") && file.length > 0) {
    return { id, revision, file: file.join("/") };
  }
  throw noModel(url);
}

function noModel(url: URL): LatentKitError {
  return new LatentKitError(
    "unsupported-model",
    `${url.href} is no model: expected the page of a model, or of a .safetensors file in one; for a folder inside, pass ` +
      "the model's page and the option subfolder",
  );
}
