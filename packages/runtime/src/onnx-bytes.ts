import type { ValueType } from "./backend.js";

// The few messages of onnx.proto that toy networks need, written by hand: this package lies below @latentkit/onnx.

const elementTypes: Readonly<Record<ValueType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

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
    ...graph.nodes.flatMap((node) => field(1, nodeBytes(node))),
    ...text(2, "toy"),
    ...(graph.constants ?? []).flatMap((constant) => field(5, constantBytes(constant))),
    ...graph.inputs.flatMap((value) => field(11, valueBytes(value))),
    ...graph.outputs.flatMap((value) => field(12, valueBytes(value))),
  ];
  return Uint8Array.from([...number(1, 8), ...field(7, body), ...field(8, [...text(1, ""), ...number(2, 17)])]);
}

function nodeBytes([operator, inputs, output]: ToyNode): number[] {
  return [...inputs.flatMap((name) => text(1, name)), ...text(2, output), ...text(4, operator)];
}

function valueBytes({ name, type, shape }: ToyValue): number[] {
  const axes = shape.flatMap((axis) => field(1, typeof axis === "number" ? number(1, axis) : text(2, axis)));
  return [...text(1, name), ...field(2, field(1, [...number(1, elementTypes[type]), ...field(2, axes)]))];
}

function constantBytes({ name, shape, values }: ToyConstant): number[] {
  const head = [...shape.flatMap((axis) => number(1, axis)), ...number(2, elementTypes.float32), ...text(8, name)];
  if (values instanceof Float32Array) return [...head, ...field(9, [...new Uint8Array(values.buffer)])];
  const entries = Object.entries(values).flatMap(([key, value]) =>
    field(13, [...text(1, key), ...text(2, String(value))]),
  );
  return [...head, ...entries, ...number(14, 1)];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

function number(tag: number, value: number): number[] {
  return [...varint(tag * 8), ...varint(value)];
}

function field(tag: number, bytes: readonly number[]): number[] {
  return [...varint(tag * 8 + 2), ...varint(bytes.length), ...bytes];
}

function text(tag: number, value: string): number[] {
  return field(tag, [...new TextEncoder().encode(value)]);
}
