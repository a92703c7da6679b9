import type { ModelFile, ModelGraph } from "@latentkit/core";
import type { ValueType } from "./backend.js";
import { type ToyConstant, toyModel } from "./onnx-bytes.js";

const weights = Float32Array.from([1, 2, 3, 4, 5, 6]);

export const everyType: readonly ValueType[] = ["float32", "float16", "int32", "int64", "uint8", "bool"];

/** `y = x · w` and `z = relu(x)`: `x` is `[batch, 3]`, `w` is `[3, 2]` with 1 … 6 by rows. */
export function linear(values: ToyConstant["values"] = weights): Uint8Array {
  return toyModel({
    inputs: [{ name: "x", type: "float32", shape: ["batch", 3] }],
    outputs: [
      { name: "y", type: "float32", shape: ["batch", 2] },
      { name: "z", type: "float32", shape: ["batch", 3] },
    ],
    nodes: [
      ["MatMul", ["x", "w"], "y"],
      ["Relu", ["x"], "z"],
    ],
    constants: [{ name: "w", shape: [3, 2], values }],
  });
}

/** `linear` with its weights in a file: as in a `.safetensors` file, they follow a header. */
export function linearWithFile(location: string): { readonly graph: Uint8Array; readonly bytes: Uint8Array } {
  const offset = 40;
  const bytes = new Uint8Array(offset + weights.byteLength + 8).fill(0xff);
  bytes.set(new Uint8Array(weights.buffer), offset);
  return { graph: linear({ location, offset, length: weights.byteLength }), bytes };
}

/** Passes a value of every element type on: `int32` to `int32_out`. */
export function identities(): Uint8Array {
  return toyModel({
    inputs: everyType.map((type) => ({ name: type, type, shape: ["n"] })),
    outputs: everyType.map((type) => ({ name: `${type}_out`, type, shape: ["n"] })),
    nodes: everyType.map((type) => ["Identity", [type], `${type}_out`]),
  });
}

/** Multiplies `x` `[n, n]` with itself, over and over: something that takes its time. */
export function power(products: number): Uint8Array {
  const names = Array.from({ length: products + 1 }, (_, i) => `x${i}`);
  return toyModel({
    inputs: [{ name: names[0]!, type: "float32", shape: ["n", "n"] }],
    outputs: [{ name: names[products]!, type: "float32", shape: ["n", "n"] }],
    nodes: names.slice(1).map((name, i) => ["MatMul", [names[i]!, names[0]!], name]),
  });
}

/** Repeats `x` `[1]` to a shape of the caller's: `y` is `[rows, columns]`. */
export function expand(): Uint8Array {
  return toyModel({
    inputs: [
      { name: "x", type: "float32", shape: [1] },
      { name: "shape", type: "int64", shape: [2] },
    ],
    outputs: [{ name: "y", type: "float32", shape: ["rows", "columns"] }],
    nodes: [["Expand", ["x", "shape"], "y"]],
  });
}

/** A network without weight files. */
export function alone(graph: Uint8Array): ModelGraph {
  return { graph, externalFiles: [] };
}

/** A file in memory that hands out views of its only copy. */
export function memoryFile(name: string, bytes: Uint8Array): ModelFile {
  return {
    name,
    size: bytes.length,
    read: async (offset = 0, length = bytes.length - offset) => bytes.subarray(offset, offset + length),
  };
}
