import type { Backend, BackendOptions, Device } from "./backend.js";
import { checkThreads } from "./check-threads.js";
import type { GpuFacts } from "./gpu-facts.js";
import { createQueue } from "./queue.js";
import { hostedSession } from "./session.js";
import type { SessionOptions } from "./session-host.js";
import { checkDevice, threadsFor, type WebDevice } from "./web-device.js";
import { configure, loadOnnxRuntimeWeb, type OnnxRuntimeWeb, type WasmPaths } from "./web-library.js";
import { deviceUnavailable, placeFinder } from "./web-place.js";
import { packWeights } from "./web-weights.js";

export type { SessionOptions } from "./session-host.js";
export type { OnnxRuntimeWeb, WasmPaths } from "./web-library.js";

/** How networks run in a browser. */
export interface OnnxruntimeWebOptions {
  /**
   * `"webgpu"`, `"wasm"` (the CPU), `"webnn"` or `"auto"`: WebGPU where there is a GPU that is no software and whose
   * buffers hold Stable Diffusion's largest matrix, else wasm. The backend's `reason` tells which and why.
   * @default "auto"
   */
  readonly device?: Device;
  /** The `onnxruntime-web` to use, or a function that imports it: `() => import("onnxruntime-web/webgpu")`. */
  readonly lib?: OnnxRuntimeWeb | (() => Promise<OnnxRuntimeWeb>);
  /**
   * The folder of `onnxruntime-web`'s files, or the files. Bundlers find them by themselves, except those that copy no
   * files, such as esbuild: with these, lay `onnxruntime-web/dist/*.wasm` beside the bundle.
   */
  readonly wasmPaths?: WasmPaths;
  /** The page's own device, to share buffers with. Once it is lost, networks are opened on one of the browser's. */
  readonly gpuDevice?: GPUDevice;
  /**
   * Threads that share one operator on `"wasm"`. A page has several only where it is cross-origin isolated: sent with
   * `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`.
   * @default half of the processors that the browser tells of
   */
  readonly threads?: number;
  /** Passed on to ONNX Runtime, over this library's own choices. */
  readonly sessionOptions?: SessionOptions;
}

/**
 * ONNX Runtime for browsers. Starts nothing on wasm until the first session; another device is tried at once. Files and
 * threads are settled by the first session of a page. On wasm a run blocks the thread that it is on: use a worker.
 *
 * @throws LatentKitError `"backend-unavailable"` when the device or `onnxruntime-web` is missing, with the remedy.
 * @throws RangeError for a device or a number of threads that is none.
 * @example
 * ```ts
 * const backend = await onnxruntimeWeb({ device: "auto" });
 * backend.reason; // "webgpu: apple metal-3, float16, buffers of 4096 MiB"
 * ```
 */
export async function onnxruntimeWeb(options: OnnxruntimeWebOptions = {}): Promise<Backend> {
  const device = checkDevice(options.device ?? "auto");
  checkThreads(options.threads);
  if (device === "wasm" || device === "webnn") return open(device, options);
  const { gpuFacts } = await import("./gpu-facts.js");
  const gpu = await gpuFacts(options.gpuDevice);
  if (device === "auto") return openBest(options, gpu);
  if (gpu.state === "missing") throw deviceUnavailable("webgpu", gpu.description);
  return open("webgpu", options, gpu);
}

/** The backend of this platform: what `@latentkit/runtime/platform` promises wherever it resolves. */
export function createBackend(options: BackendOptions = {}): Promise<Backend> {
  return onnxruntimeWeb(options);
}

async function openBest(options: OnnxruntimeWebOptions, gpu: GpuFacts): Promise<Backend> {
  if (gpu.state !== "good") return open("wasm", options, gpu);
  try {
    return await open("webgpu", options, gpu);
  } catch (error) {
    const description = error instanceof Error ? error.message : String(error);
    return open("wasm", options, { state: "missing", float16: false, description });
  }
}

async function open(device: WebDevice, options: OnnxruntimeWebOptions, gpu?: GpuFacts): Promise<Backend> {
  const { gpuDevice, sessionOptions } = options;
  const { threads, hint } = threadsFor(device, options.threads);
  const findPlace = placeFinder({ device, load: loader(device, options, threads), gpuDevice, sessionOptions });
  if (device !== "wasm") await findPlace();
  // one after another, so that the weights of one network at most wait in memory
  const queue = createQueue();
  return {
    name: "onnxruntime-web",
    device,
    float16: device === "webgpu" && gpu?.float16 === true,
    keepsValues: device === "webgpu",
    reason: [hint === "" ? device : `${device}, ${hint}`, gpu?.description].filter(Boolean).join(": "),
    createSession: (model, request = {}) =>
      queue(async () => {
        const { host, settings } = await findPlace();
        const { graph, files } = await packWeights(model);
        const session = await host.open(graph, settings, files);
        return hostedSession(host, session, request);
      }),
  };
}

function loader(device: WebDevice, { lib, wasmPaths }: OnnxruntimeWebOptions, threads: number) {
  let loaded: Promise<OnnxRuntimeWeb> | undefined;
  const load = async () => {
    const runtime =
      lib === undefined ? await loadOnnxRuntimeWeb(device) : typeof lib === "function" ? await lib() : lib;
    configure(runtime, { wasmPaths, threads });
    return runtime;
  };
  return () => {
    loaded ??= load();
    return loaded;
  };
}
