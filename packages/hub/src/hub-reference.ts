import { LatentKitError } from "@latentkit/core";

/** A model on the Hub, or one file of a repository there. */
export interface HubReference {
  /** `owner/name`. */
  readonly id: string;
  readonly revision?: string;
  /** Path of a `.safetensors` file inside. */
  readonly file?: string;
}

const HOSTS = ["huggingface.co", "www.huggingface.co", "hf.co"];
/** Names of model files, of any kind. */
export const MODEL_FILE: RegExp = /\.(safetensors|ckpt|pt|pth|bin|pkl|gguf|onnx)$/i;

/** Whether a text may be the id of a model on the Hub: `owner/name`. */
export function isModelId(text: string): boolean {
  const names = text.split("/");
  const isName = (name: string) => /^\w([\w.-]*\w)?$/.test(name) && !/--|\.\./.test(name) && name.length <= 96;
  return names.length === 2 && names.every(isName);
}

/** `https://huggingface.co/owner/name`, also with `/tree/main`, or with `/blob/main/model.safetensors`. */
export function hubReference(url: URL, endpoint: string): HubReference | undefined {
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
  if (url.host === hub.host && !HOSTS.includes(url.host) && kind === undefined && MODEL_FILE.test(id)) return undefined;
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
