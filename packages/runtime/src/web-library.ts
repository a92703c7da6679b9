import { LatentKitError } from "@latentkit/core";
import type { WebDevice } from "./web-device.js";

/** The part of `onnxruntime-web` that is used. */
export type OnnxRuntimeWeb = Pick<typeof import("onnxruntime-common"), "InferenceSession" | "Tensor" | "env">;

/** Where ONNX Runtime's `.wasm` files are. */
export type WasmPaths = string | URL | { readonly wasm?: string | URL; readonly mjs?: string | URL };

/** Servers that turn packages into modules, and leave their other files behind. */
const MODULE_SERVERS = ["cdn.jsdelivr.net", "esm.run", "esm.sh", "unpkg.com", "cdn.skypack.dev"];

/** @throws LatentKitError `"backend-unavailable"` when it is not installed. */
export async function loadOnnxRuntimeWeb(device: WebDevice): Promise<OnnxRuntimeWeb> {
  try {
    // each entry brings a .wasm file of its own; that of wasm is half as large
    return device === "wasm" ? await import("onnxruntime-web/wasm") : await import("onnxruntime-web/webgpu");
  } catch (cause) {
    const message = "onnxruntime-web cannot be loaded: npm install onnxruntime-web, or pass { lib }";
    throw new LatentKitError("backend-unavailable", message, { cause });
  }
}

/** Settings that count for all sessions of a page; after the first session they change nothing. */
export function configure(
  { env }: OnnxRuntimeWeb,
  { wasmPaths, threads }: { readonly wasmPaths: WasmPaths | undefined; readonly threads: number },
): void {
  const paths = wasmPaths ?? pathsOnModuleServer(env.versions.web);
  if (paths !== undefined) env.wasm.wasmPaths = paths instanceof URL ? paths.href : paths;
  env.wasm.numThreads = threads;
  env.logLevel = "fatal";
}

/** A bundler, or a server of the package's own files, needs none: there the files lie where the library looks. */
function pathsOnModuleServer(version: string | undefined): string | undefined {
  const isModuleServer = MODULE_SERVERS.includes(new URL(import.meta.url).hostname);
  return isModuleServer ? `https://cdn.jsdelivr.net/npm/onnxruntime-web@${version}/dist/` : undefined;
}
