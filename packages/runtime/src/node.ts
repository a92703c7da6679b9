import { availableParallelism, cpus } from "node:os";
import { extname, resolve } from "node:path";
import { LatentKitError, type ModelGraph } from "@latentkit/core";
import type { Backend, BackendOptions, Device, SessionRequest } from "./backend.js";
import { checkThreads } from "./check-threads.js";
import { defaultFolder, type GraphCache, graphCache } from "./graph-cache.js";
import { inOrder } from "./in-order.js";
import { candidateDevices, checkDevice, deviceUnavailable, type NodeDevice } from "./node-device.js";
import { passOn } from "./node-download.js";
import { loadOnnxRuntime } from "./node-library.js";
import { openGraph } from "./open-graph.js";
import { halfGraph, probeGraph } from "./probe-graph.js";
import { hostedSession } from "./session.js";
import { localHost, type OnnxRuntime, type SessionHost, type SessionOptions } from "./session-host.js";
import { workerHost } from "./worker-host.js";

export { adoptExitGate, exitGate } from "./exit-gate.js";
export type { OnnxRuntime, SessionOptions } from "./session-host.js";

/** How networks run on Node. */
export interface OnnxruntimeNodeOptions {
  /**
   * `"cpu"`, `"cuda"`, `"webgpu"`, `"dml"`, `"coreml"` or `"auto"`: CUDA where its libraries are installed and load,
   * DirectML on Windows, else the CPU. WebGPU and Core ML are taken only when asked for: how well they run a network
   * depends on the driver.
   * @default "auto"
   */
  readonly device?: Device;
  /** The `onnxruntime-node` to use, or a function that imports it; it runs on the calling thread. */
  readonly lib?: OnnxRuntime | (() => Promise<OnnxRuntime>);
  /** Whether sessions live on a thread of their own, which keeps timers and sockets alive during a run. @default true, false with `lib` */
  readonly worker?: boolean;
  /** Threads that share one operator. @default `OMP_NUM_THREADS`, else the physical cores, or fewer where the process may use fewer */
  readonly threads?: number;
  /**
   * Keeps networks whose weights lie on a disk as ONNX Runtime has optimised them for this machine: the first opening
   * takes longer, later ones a quarter of the time, and they map their weights. Needs the disk space of the weights in
   * float32. `true` keeps them in `$XDG_CACHE_HOME/latentkit/graphs` (`~/.cache/…`), a text is a folder of your own. On the
   * CPU only, and not with `lib` or `sessionOptions.optimizedModelFilePath`.
   * @default false
   */
  readonly graphCache?: boolean | string;
  /** Passed on to ONNX Runtime, over this library's own choices. */
  readonly sessionOptions?: SessionOptions;
}

/**
 * ONNX Runtime for Node. Starts nothing on the CPU until the first session; another device is tried at once.
 *
 * The process may end while sessions are idle; one that leaves during a run waits for the run.
 *
 * @throws LatentKitError `"backend-unavailable"` when the device or `onnxruntime-node` is missing, with the remedy.
 * @throws RangeError for a device or a number of threads that is none, TypeError for `lib` with `worker: true`.
 * @example
 * ```ts
 * const backend = await onnxruntimeNode({ device: "cpu" });
 * backend.device; // "cpu"
 * ```
 */
export async function onnxruntimeNode(options: OnnxruntimeNodeOptions = {}): Promise<Backend> {
  const wanted = checkDevice(options.device ?? "auto");
  checkThreads(options.threads);
  const graphs = cacheIn(options);
  const host = createHost(options);
  const device = wanted === "auto" ? await bestDevice(host, options) : wanted;
  if (wanted !== "auto" && wanted !== "cpu") await checkWorks(host, wanted, options);
  const float16 = await computesHalf(host, device, options);
  const cache = device === "cpu" ? graphs : undefined;
  return {
    name: "onnxruntime-node",
    device,
    float16,
    keepsValues: device === "webgpu",
    async createSession(model: ModelGraph, request: SessionRequest = {}) {
      const settings = { ...sessionOptions(device, options), ...keptLocation(device, request) };
      return hostedSession(host, await openGraph(host, model, settings, cache), request);
    },
  };
}

/** The backend of this platform: what `@latentkit/runtime/platform` promises wherever it resolves. */
export function createBackend(options: BackendOptions = {}): Promise<Backend> {
  return onnxruntimeNode(options);
}

function cacheIn({ graphCache: wanted = false, lib, sessionOptions }: OnnxruntimeNodeOptions): GraphCache | undefined {
  if (typeof wanted !== "boolean" && (typeof wanted !== "string" || wanted === ""))
    throw new TypeError(`graphCache: expected true, false or a folder, got ${JSON.stringify(wanted)}`);
  if (wanted === false || lib !== undefined || sessionOptions?.optimizedModelFilePath !== undefined) return undefined;
  return graphCache(resolve(wanted === true ? defaultFolder() : wanted));
}

function createHost({ lib, worker = lib === undefined }: OnnxruntimeNodeOptions): SessionHost {
  if (!worker) return inOrder(localHost(loader(lib), passOn(loader(lib))));
  if (lib !== undefined)
    throw new TypeError("lib: a library that is passed in runs on the calling thread; leave worker out");
  return workerHost(workerFile());
}

// the worker comes from the same build as this module: .js, .cjs, or the TypeScript source
function workerFile(): URL {
  const extension = extname(new URL(import.meta.url).pathname);
  return new URL(`./node-worker${extension === ".ts" ? ".source.js" : extension}`, import.meta.url);
}

function loader(lib: OnnxruntimeNodeOptions["lib"]): () => Promise<OnnxRuntime> {
  if (lib === undefined) return loadOnnxRuntime;
  return typeof lib === "function" ? lib : async () => lib;
}

async function bestDevice(host: SessionHost, options: OnnxruntimeNodeOptions): Promise<NodeDevice> {
  for (const device of candidateDevices()) {
    try {
      await host.probe(probeGraph, probeOptions(device, options));
      return device;
    } catch {
      // not on this machine: the next one
    }
  }
  return "cpu";
}

async function checkWorks(host: SessionHost, device: NodeDevice, options: OnnxruntimeNodeOptions): Promise<void> {
  try {
    await host.probe(probeGraph, probeOptions(device, options));
  } catch (error) {
    if (!LatentKitError.isInstance(error) || error.code !== "invalid-checkpoint") throw error;
    throw deviceUnavailable(device, error.cause);
  }
}

/** Whether the device computes in float16; of graphics cards with WebGPU some do and some do not. */
async function computesHalf(host: SessionHost, device: NodeDevice, options: OnnxruntimeNodeOptions): Promise<boolean> {
  if (device !== "webgpu") return device === "cuda" || device === "dml";
  try {
    const { id } = await host.open(halfGraph, probeOptions(device, options), []);
    const x = { type: "float16", data: new Uint16Array(1), shape: [1] } as const;
    await host.run(id, { x }, ["y"]).finally(() => host.release(id));
    return true;
  } catch {
    return false;
  }
}

// without the CPU beside it, which would step in for a device that is missing
function probeOptions(device: NodeDevice, options: OnnxruntimeNodeOptions): SessionOptions {
  return { ...sessionOptions(device, options), executionProviders: [device] };
}

function sessionOptions(device: NodeDevice, { threads, sessionOptions: own }: OnnxruntimeNodeOptions): SessionOptions {
  const intraOpNumThreads = threads ?? allowedThreads();
  return {
    executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
    graphOptimizationLevel: "all",
    logSeverityLevel: 4,
    ...(intraOpNumThreads === undefined ? {} : { intraOpNumThreads }),
    // a pattern reserves a run's memory beside what the first run took; DirectML does not allow them
    ...(device === "cpu" || device === "dml" ? { enableMemPattern: false } : {}),
    ...own,
  };
}

// ONNX Runtime takes the machine's physical cores, also in a container that was given fewer
function allowedThreads(): number | undefined {
  const told = Number(process.env.OMP_NUM_THREADS);
  if (Number.isInteger(told) && told > 0) return told;
  return availableParallelism() < cpus().length ? availableParallelism() : undefined;
}

/** Where results lie that may be kept: in buffers of the GPU, where ONNX Runtime shares them. */
function keptLocation(device: NodeDevice, { keeps = false }: SessionRequest): SessionOptions {
  return keeps && device === "webgpu" ? { preferredOutputLocation: "gpu-buffer" } : {};
}
