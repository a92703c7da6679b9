import { LatentKitError } from "@latentkit/core";
import { runtimeError } from "./runtime-error.js";
import type { SessionHost } from "./session-host.js";

/** A device of the GPU, and what happens to it. */
export interface Gpu {
  readonly device: GPUDevice;
  readonly isLost: boolean;
  /**
   * Throws what went wrong since the last call: WebGPU tells of errors by events, and a run that met one ends as if
   * nothing had happened.
   */
  check(): void;
  /** What a failure is due to: the loss of the device, an earlier error on it, or what it says itself. */
  explain(error: unknown): Promise<unknown>;
}

/** What ONNX Runtime uses where an adapter has it. */
const FEATURES: readonly GPUFeatureName[] = ["shader-f16", "subgroups"];

/** Milliseconds within which a browser tells of a loss after what failed by it. */
const NOTICE = 200;

/**
 * A device with all that the adapter has room for.
 *
 * @throws LatentKitError `"backend-unavailable"` when there is none.
 */
export async function requestGpu(): Promise<GPUDevice> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new LatentKitError("backend-unavailable", 'there is no GPU any more; use device "wasm"');
  const { features, limits } = adapter;
  const requiredFeatures = FEATURES.filter((feature) => features.has(feature));
  return adapter.requestDevice({ requiredFeatures, requiredLimits: limitsOf(limits) });
}

/** @param isOwn whether nobody else uses the device, so that every error on it is ours. */
export function watchGpu(device: GPUDevice, isOwn: boolean): Gpu {
  let lost: LatentKitError | undefined;
  let failure: GPUError | undefined;
  const loss = device.lost.then((info) => {
    lost = new LatentKitError("device-lost", `the GPU's device was lost (${info.message || info.reason})`, {
      cause: info,
    });
  });
  device.addEventListener("uncapturederror", (event) => {
    if (!isOwn && !isOutOfMemory(event.error)) return;
    failure ??= event.error;
    // it is thrown in time; the browser would print it as well
    event.preventDefault();
  });
  const gpu: Gpu = {
    device,
    get isLost() {
      return lost !== undefined;
    },
    check() {
      const met = failure;
      failure = undefined;
      if (lost) throw lost;
      if (met) throw gpuFailure(met);
    },
    async explain(error) {
      await Promise.race([loss, new Promise((done) => setTimeout(done, NOTICE))]);
      try {
        gpu.check();
        return error;
      } catch (reason) {
        return reason;
      }
    },
  };
  return gpu;
}

/**
 * The same host, whose calls fail where the device did. Runs that keep their results end before the device has done its
 * work: each waits for the one before it, so that whoever counts steps counts what is done.
 */
export function onGpu(host: SessionHost, gpu: Gpu): SessionHost {
  let before: Promise<unknown> = Promise.resolve();
  async function guarded<Result>(task: () => Promise<Result>): Promise<Result> {
    gpu.check();
    const result = await task().catch(async (error: unknown) => {
      throw await gpu.explain(error);
    });
    gpu.check();
    return result;
  }
  return {
    probe: (graph, options) => guarded(() => host.probe(graph, options)),
    open: (graph, options, files) => guarded(() => host.open(graph, options, files)),
    run: (id, feeds, outputs) => guarded(() => host.run(id, feeds, outputs)),
    keep: (id, feeds, outputs) =>
      guarded(async () => {
        const kept = await host.keep(id, feeds, outputs);
        const done = before;
        before = gpu.device.queue.onSubmittedWorkDone();
        await done;
        return kept;
      }),
    read: (kept) => guarded(() => host.read(kept)),
    drop: (kept) => host.drop(kept),
    release: (id) => host.release(id),
  };
}

const isOutOfMemory = (error: GPUError): boolean => error instanceof GPUOutOfMemoryError;

function gpuFailure(error: GPUError): LatentKitError {
  const what = isOutOfMemory(error) ? "out of memory: " : "";
  return runtimeError("run-failed", "the GPU failed", new Error(`${what}${error.message}`, { cause: error }));
}

/** Limits as a request: an adapter's are properties of its class. */
function limitsOf(limits: GPUSupportedLimits): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name in limits) {
    const value: unknown = Reflect.get(limits, name);
    if (typeof value === "number") found[name] = value;
  }
  return found;
}
