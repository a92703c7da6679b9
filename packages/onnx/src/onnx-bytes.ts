import { delimited, join, number, text } from "@latentkit/core/protobuf";
import { type Attribute, attributeField } from "./attribute.js";

// The messages of onnx.proto that a graph builder writes, with the numbers of their fields
// (https://onnx.ai/onnx/repo-docs/IR.html).

/** A node. */
export interface NodeFields {
  readonly opType: string;
  /** Names; empty for an optional input that is left out. */
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly domain: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A constant, or a weight: its bytes, or where they lie. */
export interface TensorFields {
  readonly name: string;
  /** As ONNX numbers them. */
  readonly elementType: number;
  readonly shape: readonly number[];
  readonly content: Uint8Array | { readonly location: string; readonly offset: number; readonly length: number };
}

/** An input or output of a graph. */
export interface ValueFields {
  readonly name: string;
  readonly elementType: number;
  readonly shape: readonly (number | string)[];
}

/** The parts of a graph, each already written. */
export interface GraphFields {
  readonly name: string;
  readonly nodes: readonly Uint8Array[];
  readonly initializers: readonly Uint8Array[];
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

/** Where a tensor's bytes are not in the graph. */
const EXTERNAL = 1;
const IR_VERSION = 10;
const OPSETS = { "": 20, "com.microsoft": 1 };

/** A `NodeProto`. */
export function nodeBytes({ opType, input, output, name, domain, attributes }: NodeFields): Uint8Array {
  return join([
    ...input.map((value) => text(1, value)),
    ...output.map((value) => text(2, value)),
    text(3, name),
    text(4, opType),
    ...Object.entries(attributes).map(([key, value]) => attributeField(5, key, value)),
    text(7, domain),
  ]);
}

/** A `TensorProto`. */
export function tensorBytes({ name, elementType, shape, content }: TensorFields): Uint8Array {
  const head = [...shape.map((axis) => number(1, axis)), number(2, elementType), text(8, name)];
  if (content instanceof Uint8Array) return join([...head, delimited(9, content)]);
  const place = Object.entries(content).map(([key, value]) => delimited(13, text(1, key), text(2, String(value))));
  return join([...head, ...place, number(14, EXTERNAL)]);
}

/** A `ValueInfoProto`. */
export function valueBytes({ name, elementType, shape }: ValueFields): Uint8Array {
  const axes = shape.map((axis) => delimited(1, typeof axis === "number" ? number(1, axis) : text(2, axis)));
  const tensorType = delimited(1, number(1, elementType), delimited(2, ...axes));
  return join([text(1, name), delimited(2, tensorType)]);
}

/** A `ModelProto`. */
export function modelBytes({ name, nodes, initializers, inputs, outputs }: GraphFields): Uint8Array {
  const graph = [
    ...nodes.map((node) => delimited(1, node)),
    text(2, name),
    ...initializers.map((tensor) => delimited(5, tensor)),
    ...inputs.map((value) => delimited(11, value)),
    ...outputs.map((value) => delimited(12, value)),
  ];
  const opsets = Object.entries(OPSETS).map(([domain, version]) => delimited(8, text(1, domain), number(2, version)));
  return join([number(1, IR_VERSION), text(2, "latentkit"), delimited(7, ...graph), ...opsets]);
}
