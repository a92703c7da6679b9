import { LatentKitError, type ModelFile, type ModelFiles } from "@latentkit/core";
import { memoryFile } from "./memory-model.js";
import { modelFolder } from "./model-folder.js";
import { webModel } from "./web-model.js";
import type { WebPlace } from "./web-place.js";

/**
 * The embedded model. Bundlers that know `new URL(…, import.meta.url)` carry its files along, the small ones inside the
 * script.
 */
export async function embeddedModel(around: Omit<WebPlace, "location" | "url">): Promise<ModelFiles> {
  const { modelFiles } = await import("@latentkit/tiny-emoji/files").catch((cause: unknown) => {
    const message = "the embedded model is not installed: npm install @latentkit/tiny-emoji, or pass a model";
    throw new LatentKitError("file-not-found", message, { cause });
  });
  const addressOf = (name: string) => (Object.hasOwn(modelFiles, name) ? modelFiles[name] : undefined);
  const remote = webModel({ ...around, location: "the embedded model", url: (name) => addressOf(name)?.href ?? "" });
  const model = modelFolder("the embedded model", async (name) => {
    const address = addressOf(name);
    return address?.protocol === "data:" ? inlineFile(name, address) : address && remote.find(name);
  });
  if (await model.find("model_index.json")) return model;
  const folder = new URL("./", addressOf("model_index.json")).href;
  const remedy =
    "a bundler that copies no files, such as esbuild, leaves it to you: copy node_modules/@latentkit/tiny-emoji/model";
  throw new LatentKitError("file-not-found", `the embedded model is not at ${folder}; ${remedy}`);
}

/** Decoded here: a page may forbid to fetch `data:` addresses. */
function inlineFile(name: string, { pathname }: URL): ModelFile {
  const [head = "", ...body] = pathname.split(",");
  const text = decodeURIComponent(body.join(","));
  const bytes = head.endsWith(";base64")
    ? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
    : new TextEncoder().encode(text);
  return memoryFile(name, bytes);
}
