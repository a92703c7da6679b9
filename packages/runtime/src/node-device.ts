import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { LatentKitError } from "@latentkit/core";
import type { Device } from "./backend.js";

/** Devices that `onnxruntime-node` can have. */
export type NodeDevice = Exclude<Device, "auto" | "wasm" | "webnn">;

const remedies: Readonly<Record<NodeDevice, string>> = {
  cpu: 'reinstall it with "npm install onnxruntime-node"',
  cuda: 'CUDA needs Linux x64 or Windows, an NVIDIA driver, CUDA 12 with cuDNN 9, and on Linux its libraries: run "node node_modules/onnxruntime-node/script/install.js" once',
  webgpu:
    "WebGPU needs a graphics driver; on Linux a Vulkan driver with its loader (Debian: apt-get install libvulkan1 mesa-vulkan-drivers)",
  dml: "DirectML needs Windows and a DirectX 12 graphics card",
  coreml: "Core ML needs macOS",
};

/** What `device` may be on Node. */
export const nodeDevices: readonly string[] = ["auto", ...Object.keys(remedies)];

/**
 * Checks the name of a device.
 *
 * @throws RangeError for a name that is none.
 * @throws LatentKitError `"backend-unavailable"` for a browser's device.
 */
export function checkDevice(device: string): NodeDevice | "auto" {
  if (device === "wasm" || device === "webnn") {
    throw new LatentKitError(
      "backend-unavailable",
      `device "${device}" runs in browsers; on Node use one of ${nodeDevices.join(", ")}`,
    );
  }
  if (device === "auto" || isNodeDevice(device)) return device;
  throw new RangeError(`device: expected one of ${nodeDevices.join(", ")}, got "${device}"`);
}

function isNodeDevice(device: string): device is NodeDevice {
  return Object.hasOwn(remedies, device);
}

/** The error for a device that does not work here. */
export function deviceUnavailable(device: NodeDevice, cause: unknown): LatentKitError {
  const reason = (cause instanceof Error ? cause.message : String(cause)).trim();
  return new LatentKitError(
    "backend-unavailable",
    `device "${device}" does not work here: ${remedies[device]} (${reason})`,
    { cause },
  );
}

/** Faster devices than the CPU that are worth a try, best first. */
export function candidateDevices(): readonly NodeDevice[] {
  if (process.platform === "win32") return ["dml"];
  if (process.platform === "linux" && hasCudaLibraries()) return ["cuda"];
  return [];
}

function hasCudaLibraries(): boolean {
  try {
    const main = createRequire(import.meta.url).resolve("onnxruntime-node");
    const folder = join(main, "../../bin/napi-v6/linux", process.arch);
    return existsSync(join(folder, "libonnxruntime_providers_cuda.so"));
  } catch {
    return false;
  }
}
