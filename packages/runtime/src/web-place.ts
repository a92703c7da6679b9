import { LatentKitError } from "@latentkit/core";
import { inOrder } from "./in-order.js";
import { probeGraph } from "./probe-graph.js";
import { localHost, type SessionHost, type SessionOptions } from "./session-host.js";
import type { WebDevice } from "./web-device.js";
import type { Gpu } from "./web-gpu.js";
import type { OnnxRuntimeWeb } from "./web-library.js";

/** Where sessions are opened: on one device, until it is lost. */
export interface Place {
  readonly host: SessionHost;
  readonly settings: SessionOptions;
  readonly isLost: boolean;
}

/** What a place is made with. */
export interface PlaceOptions {
  readonly device: WebDevice;
  readonly load: () => Promise<OnnxRuntimeWeb>;
  readonly sessionOptions: SessionOptions | undefined;
  /** The caller's own device, for the first place. */
  readonly gpuDevice: GPUDevice | undefined;
}

/** Gives the place that is in use, a new one when its device was lost. */
export function placeFinder({ gpuDevice, ...options }: PlaceOptions): () => Promise<Place> {
  let own = gpuDevice;
  let place: Promise<Place> | undefined;
  const openPlace = () => {
    const given = own;
    // a device that is lost stays so
    own = undefined;
    return openOn(options, given);
  };
  const find = async (): Promise<Place> => {
    place ??= openPlace();
    // one that could not be opened is tried again
    const found = await place.catch((error: unknown) => {
      place = undefined;
      throw error;
    });
    if (!found.isLost) return found;
    place = undefined;
    return find();
  };
  return find;
}

async function openOn(
  { device, load, sessionOptions }: Omit<PlaceOptions, "gpuDevice">,
  given: GPUDevice | undefined,
): Promise<Place> {
  const { gpu, host: own } = await hostFor(device, localHost(load), given);
  const host = inOrder(own);
  const settings: SessionOptions = {
    executionProviders: [gpu ? { name: device, device: gpu.device } : device],
    graphOptimizationLevel: "all",
    logSeverityLevel: 4,
    // also what is not kept: when ONNX Runtime fails to fetch a result itself, its later runs never end
    ...(gpu && { preferredOutputLocation: "gpu-buffer" }),
    ...sessionOptions,
  };
  await host.probe(probeGraph, settings).catch((error: unknown) => refuse(device, error));
  return place(host, settings, gpu);
}

/** The host that a device needs; what WebGPU takes is loaded for it. */
async function hostFor(
  device: WebDevice,
  local: SessionHost,
  given: GPUDevice | undefined,
): Promise<{ readonly host: SessionHost; readonly gpu?: Gpu }> {
  if (device !== "webgpu") return { host: local };
  const { onGpu, requestGpu, watchGpu } = await import("./web-gpu.js");
  const gpu = watchGpu(given ?? (await requestGpu()), given === undefined);
  return { host: onGpu(local, gpu), gpu };
}

const place = (host: SessionHost, settings: SessionOptions, gpu: Gpu | undefined): Place => ({
  host,
  settings,
  get isLost() {
    return gpu?.isLost ?? false;
  },
});

function refuse(device: WebDevice, error: unknown): never {
  if (!LatentKitError.isInstance(error) || error.code !== "invalid-checkpoint") throw error;
  throw deviceUnavailable(device, error.message, error.cause);
}

/** The error for a device that does not work on this page. */
export function deviceUnavailable(device: WebDevice, reason: string, cause?: unknown): LatentKitError {
  const remedy =
    device === "wasm"
      ? "pass wasmPaths, where onnxruntime-web's .wasm files are"
      : 'use device "wasm", or another browser';
  const message = `device "${device}" does not work here (${reason}); ${remedy}`;
  return new LatentKitError("backend-unavailable", message, { cause });
}
