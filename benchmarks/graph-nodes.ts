import { PbfReader } from "pbf";

/** A node of an ONNX graph. */
export interface GraphNode {
  readonly operator: string;
  /** Names; empty for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

type Attribute = number | string | readonly number[];

/** A constant or a weight. */
export interface GraphTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** As ONNX numbers them. */
  readonly elementType: number;
  /** What lies in the graph itself: shapes, axes and factors. */
  readonly values?: readonly number[];
}

/** A declared input: axes that are known only at run time are names. */
export interface GraphInput {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  readonly elementType: number;
}

/** What an ONNX model holds, as far as counting goes. */
export interface GraphContent {
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly GraphTensor[];
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly string[];
}

/** Numbers by ONNX's element types. */
const numbers: Readonly<Record<number, (data: ArrayBuffer) => number[]>> = {
  1: (data) => Array.from(new Float32Array(data)),
  7: (data) => Array.from(new BigInt64Array(data), Number),
};
/** No shape has more axes, and no kernel of a graph's own is looked into. */
const FEW = 64;

type Fields = Readonly<Record<number, (reader: PbfReader) => void>>;

/** Reads a message's fields by their numbers (onnx.proto), and skips the others. */
function fields(reader: PbfReader, known: Fields, isMessage = true): void {
  const read = (tag: number, _: null, inner: PbfReader) => known[tag]?.(inner);
  if (isMessage) reader.readMessage(read, null);
  else reader.readFields(read, null);
}

const signed = (reader: PbfReader): number => reader.readVarint(true);

/** Reads a model that a `GraphBuilder` or an exporter wrote. */
export function graphContent(model: Uint8Array): GraphContent {
  const nodes: GraphNode[] = [];
  const initializers: GraphTensor[] = [];
  const inputs: GraphInput[] = [];
  const outputs: string[] = [];
  const graph: Fields = {
    1: (reader) => nodes.push(readNode(reader)),
    5: (reader) => initializers.push(readTensor(reader)),
    11: (reader) => inputs.push(readInput(reader)),
    12: (reader) => outputs.push(readInput(reader).name),
  };
  fields(new PbfReader(model), { 7: (reader) => fields(reader, graph) }, false);
  return { nodes, initializers, inputs, outputs };
}

function readNode(reader: PbfReader): GraphNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Record<string, Attribute> = {};
  let operator = "";
  fields(reader, {
    1: (inner) => inputs.push(inner.readString()),
    2: (inner) => outputs.push(inner.readString()),
    4: (inner) => {
      operator = inner.readString();
    },
    5: (inner) => {
      const [name, value] = readAttribute(inner);
      attributes[name] = value;
    },
  });
  return { operator, inputs, outputs, attributes };
}

function readAttribute(reader: PbfReader): [name: string, value: Attribute] {
  let name = "";
  let value: Attribute | undefined;
  const integers: number[] = [];
  fields(reader, {
    1: (inner) => {
      name = inner.readString();
    },
    2: (inner) => {
      value = inner.readFloat();
    },
    3: (inner) => {
      value = signed(inner);
    },
    4: (inner) => {
      value = inner.readString();
    },
    8: (inner) => inner.readPackedVarint(integers, true),
  });
  return [name, value ?? integers];
}

function readTensor(reader: PbfReader): GraphTensor {
  const shape: number[] = [];
  let [name, elementType, data] = ["", 0, new Uint8Array()];
  fields(reader, {
    1: (inner) => inner.readPackedVarint(shape),
    2: (inner) => {
      elementType = inner.readVarint();
    },
    8: (inner) => {
      name = inner.readString();
    },
    9: (inner) => {
      data = inner.readBytes().slice();
    },
  });
  const values = data.length > 0 && data.length <= FEW ? numbers[elementType]?.(data.buffer) : undefined;
  return { name, shape, elementType, ...(values && { values }) };
}

function readInput(reader: PbfReader): GraphInput {
  const shape: (number | string)[] = [];
  let [name, elementType] = ["", 0];
  const axis: Fields = {
    1: (inner) => shape.push(inner.readVarint()),
    2: (inner) => shape.push(inner.readString()),
  };
  const tensorType: Fields = {
    1: (inner) => {
      elementType = inner.readVarint();
    },
    2: (inner) => fields(inner, { 1: (dim) => fields(dim, axis) }),
  };
  fields(reader, {
    1: (inner) => {
      name = inner.readString();
    },
    2: (inner) => fields(inner, { 1: (type) => fields(type, tensorType) }),
  });
  return { name, shape, elementType };
}
