import { elementTypes } from "@latentkit/core";
import { delimited, join, number, text } from "@latentkit/core/protobuf";
import type { ValueType } from "./backend.js";

// The few messages of onnx.proto that toy networks need, written by hand: this package lies beside @latentkit/onnx.

/** A graph's input or output. */
export interface ToyValue {
  readonly name: string;
  readonly type: ValueType;
  readonly shape: readonly (number | string)[];
}

/** `[operator, inputs, output]` */
export type ToyNode = readonly [operator: string, inputs: readonly string[], output: string];

/** A float32 constant: its values, or where they lie in a file. */
export interface ToyConstant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array | { readonly location: string; readonly offset: number; readonly length: number };
}

/** A network of a few nodes as ONNX bytes (operator set 17). */
export function toyModel(graph: {
  readonly inputs: readonly ToyValue[];
  readonly outputs: readonly ToyValue[];
  readonly nodes: readonly ToyNode[];
  readonly constants?: readonly ToyConstant[];
}): Uint8Array {
  const body = [
    ...graph.nodes.map((node) => delimited(1, ...nodeBytes(node))),
    text(2, "toy"),
    ...(graph.constants ?? []).map((constant) => delimited(5, ...constantBytes(constant))),
    ...graph.inputs.map((value) => delimited(11, ...valueBytes(value))),
    ...graph.outputs.map((value) => delimited(12, ...valueBytes(value))),
  ];
  return join([number(1, 8), delimited(7, ...body), delimited(8, text(1, ""), number(2, 17))]);
}

function nodeBytes([operator, inputs, output]: ToyNode): Uint8Array[] {
  return [...inputs.map((name) => text(1, name)), text(2, output), text(4, operator)];
}

function valueBytes({ name, type, shape }: ToyValue): Uint8Array[] {
  const axes = shape.map((axis) => delimited(1, typeof axis === "number" ? number(1, axis) : text(2, axis)));
  return [text(1, name), delimited(2, delimited(1, number(1, elementTypes[type]), delimited(2, ...axes)))];
}

function constantBytes({ name, shape, values }: ToyConstant): Uint8Array[] {
  const head = [...shape.map((axis) => number(1, axis)), number(2, elementTypes.float32), text(8, name)];
  if (values instanceof Float32Array) return [...head, delimited(9, new Uint8Array(values.buffer))];
  const entries = Object.entries(values).map(([key, value]) => delimited(13, text(1, key), text(2, String(value))));
  return [...head, ...entries, number(14, 1)];
}
