import { LatentKitError } from "@latentkit/core";
import type { Device } from "./backend.js";

/** Devices that a browser can have. */
export type WebDevice = Extract<Device, "webgpu" | "wasm" | "webnn">;

const webDevices: readonly Device[] = ["auto", "webgpu", "wasm", "webnn"];

/**
 * Checks the name of a device.
 *
 * @throws RangeError for a name that is none. LatentKitError `"backend-unavailable"` for a device of Node.
 */
export function checkDevice(device: Device): WebDevice | "auto" {
  switch (device) {
    case "auto":
    case "webgpu":
    case "wasm":
    case "webnn":
      return device;
    case "cpu":
    case "cuda":
    case "dml":
    case "coreml": {
      const message = `device "${device}" is Node's; in browsers use one of ${webDevices.join(", ")} (wasm is the CPU)`;
      throw new LatentKitError("backend-unavailable", message);
    }
    default:
      device satisfies never;
      throw new RangeError(`device: expected one of ${webDevices.join(", ")}, got ${JSON.stringify(device)}`);
  }
}

/** Threads that share one operator, and what people should know about them. */
export function threadsFor(
  device: WebDevice,
  wanted: number | undefined,
): { readonly threads: number; readonly hint: string } {
  if (device !== "wasm") return { threads: 1, hint: "" };
  if (!globalThis.crossOriginIsolated) {
    const headers = "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
    return { threads: 1, hint: `one thread (for more, send the page with ${headers})` };
  }
  // half of what is counted are second threads of the same core
  const threads = wanted ?? Math.ceil(navigator.hardwareConcurrency / 2);
  return { threads, hint: threads === 1 ? "one thread" : `${threads} threads` };
}
