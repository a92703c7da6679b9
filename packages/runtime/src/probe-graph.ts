import { toyModel } from "./onnx-bytes.js";

/** The smallest network: opening it shows whether a device works. */
export const probeGraph: Uint8Array = /* @__PURE__ */ toyModel({
  inputs: [{ name: "x", type: "float32", shape: [1] }],
  outputs: [{ name: "y", type: "float32", shape: [1] }],
  nodes: [["Relu", ["x"], "y"]],
});
