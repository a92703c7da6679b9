import { LatentKitError } from "@latentkit/core";
import type { OnnxRuntime } from "./session-host.js";

/**
 * Imports `onnxruntime-node`, quietly.
 *
 * @throws LatentKitError `"backend-unavailable"` when it is not installed or its native library does not load.
 */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  try {
    const { env, InferenceSession, Tensor } = await import("onnxruntime-node");
    // failures arrive as errors; ONNX Runtime would print each of them as well
    if (env.logLevel === "warning") env.logLevel = "fatal";
    return { InferenceSession, Tensor };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LatentKitError(
      "backend-unavailable",
      `onnxruntime-node cannot be loaded: install it with "npm install onnxruntime-node", or pass { lib } (${reason})`,
      { cause },
    );
  }
}
