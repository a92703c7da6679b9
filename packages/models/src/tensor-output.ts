import { LatentKitError, type Tensor, tensor } from "@latentkit/core";
import type { Value } from "@latentkit/runtime";
import { isRemoteValue } from "./is-remote-value.js";

/** @throws LatentKitError when a network gave no float32 tensor of that name. */
export function tensorOutput(outputs: Readonly<Record<string, Value>>, name: string): Tensor {
  const value = outputs[name];
  if (value && isRemoteValue(value)) return value;
  if (!(value?.data instanceof Float32Array)) {
    throw new LatentKitError(
      "run-failed",
      `the network gave no float32 output named ${name}; it gave ${Object.keys(outputs).join(", ")}`,
    );
  }
  return tensor(value.data, value.shape);
}
