import type { ValueType } from "./backend.js";
import { toyModel } from "./onnx-bytes.js";

/** The smallest network: opening it shows whether a device works. */
export const probeGraph: Uint8Array = /* @__PURE__ */ relu("float32");

/** The same in float16: running it shows whether the device computes so. */
export const halfGraph: Uint8Array = /* @__PURE__ */ relu("float16");

function relu(type: ValueType): Uint8Array {
  return toyModel({
    inputs: [{ name: "x", type, shape: [1] }],
    outputs: [{ name: "y", type, shape: [1] }],
    nodes: [["Relu", ["x"], "y"]],
  });
}
