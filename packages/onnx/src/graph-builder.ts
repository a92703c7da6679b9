import { create, toBinary } from "@bufbuild/protobuf";
import type { ExternalFile, ModelFile, ModelGraph } from "@latentkit/core";
import { type Attribute, attributeProto } from "./attribute.js";
import {
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx_pb.js";
import { fused, type Operators } from "./operators.js";
import type { CheckpointTensor, SafetensorsType } from "./safetensors.js";

/** Element types of graph values, as ONNX numbers them. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
} as const;

export type ElementType = keyof typeof elementTypes;

/** An axis: its length, or a name when it is known only at run time. */
export type Dim = number | string;

/** A value of the graph under construction. */
export interface GraphValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dim[];
}

/** What a node makes. */
export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** `"com.microsoft"` for ONNX Runtime's own operators. */
  readonly domain?: string;
  /** The module of the checkpoint it stands for, which profiles then show. */
  readonly name?: string;
  readonly type?: ElementType;
  readonly shape: readonly Dim[];
}

/** Which part of a stored tensor to take, and how to read it. */
export interface WeightOptions {
  readonly rows?: readonly [number, number];
  readonly shape?: readonly number[];
}

const storedTypes: Partial<Record<SafetensorsType, ElementType>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  F64: "float64",
};

const EXTERNAL = 1;
const IR_VERSION = 10;
const OPSETS = [
  { domain: "", version: 20n },
  { domain: "com.microsoft", version: 1n },
];

/** The file's own name: what an in-memory graph and a session's folder agree on. */
function baseName(file: ModelFile): string {
  return (file.path ?? file.name).split(/[\\/]/).at(-1) ?? file.name;
}

/**
 * Collects nodes, constants and pointers into weight files, and writes them as one ONNX model.
 * Weights are never copied: an initializer is a byte range of the checkpoint's file.
 *
 * @example
 * ```ts
 * const g = new GraphBuilder("doubler");
 * const x = g.input("x", "float32", ["batch", 4]);
 * g.output("y", g.node("Add", [x, x], { shape: x.shape }));
 * const { graph } = g.build();
 * ```
 */
export class GraphBuilder {
  readonly #name: string;
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #locations = new Map<ModelFile, string>();
  readonly #constants = new Map<string, GraphValue>();
  readonly #weights = new Map<string, GraphValue>();
  readonly #names = new Map<string, number>();

  /** Which fused operators the layers may use. */
  readonly operators: Operators;

  constructor(name: string, operators: Operators = fused) {
    this.#name = name;
    this.operators = operators;
  }

  /** Declares an input of the network. */
  input(name: string, type: ElementType, shape: readonly Dim[]): GraphValue {
    this.#names.set(name, 1);
    this.#inputs.push(valueInfo(name, type, shape));
    return { name, type, shape };
  }

  /** Declares a value as an output of the network. */
  output(name: string, value: GraphValue): void {
    this.#nodes.push(
      create(NodeProtoSchema, { opType: "Identity", input: [value.name], output: [name], name: `output/${name}` }),
    );
    this.#outputs.push(valueInfo(name, value.type, value.shape));
  }

  /** Adds a node of one output. Left-out optional inputs are `undefined`. */
  node(opType: string, inputs: readonly (GraphValue | undefined)[], options: NodeOptions): GraphValue {
    const name = this.#unique(options.name === undefined ? opType : `${options.name}/${opType}`);
    const attribute = Object.entries(options.attributes ?? {}).map(([key, value]) => attributeProto(key, value));
    const input = inputs.map((value) => value?.name ?? "");
    this.#nodes.push(
      create(NodeProtoSchema, { opType, input, output: [name], name, attribute, domain: options.domain ?? "" }),
    );
    return { name, type: options.type ?? inputs[0]?.type ?? "float32", shape: options.shape };
  }

  /** A small tensor written into the graph; equal ones are written once. */
  constant(
    type: "float32" | "int64",
    values: readonly number[],
    shape: readonly number[] = [values.length],
  ): GraphValue {
    const key = `${type} ${shape} ${values}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const name = this.#unique("constant");
    const data = type === "float32" ? Float32Array.from(values) : BigInt64Array.from(values, BigInt);
    this.#initializers.push(tensorProto(name, type, shape, { rawData: new Uint8Array(data.buffer) }));
    const value: GraphValue = { name, type, shape };
    this.#constants.set(key, value);
    return value;
  }

  /**
   * A tensor of the checkpoint as float32, where it lies in its file. `rows` takes a range of the first axis;
   * `shape` reads the same bytes under another shape.
   */
  weight(tensor: CheckpointTensor, options: WeightOptions = {}): GraphValue {
    const type = storedTypes[tensor.dtype];
    if (!type) throw new TypeError(`${tensor.name}: expected a floating-point tensor, got ${tensor.dtype}`);
    const [rows = 1, ...inner] = tensor.shape;
    const [from, to] = options.rows ?? [0, rows];
    const shape = options.shape ?? [to - from, ...inner].slice(0, tensor.shape.length);
    const key = `${this.#location(tensor.file)} ${tensor.offset} ${from} ${to} ${shape}`;
    const value = this.#weights.get(key) ?? this.#asFloat32(this.#pointer(tensor, type, [from, to], shape));
    this.#weights.set(key, value);
    return value;
  }

  #pointer(
    tensor: CheckpointTensor,
    type: ElementType,
    [from, to]: readonly [number, number],
    shape: readonly number[],
  ): GraphValue {
    const name = this.#unique(tensor.name);
    const rowBytes = tensor.length / (tensor.shape[0] ?? 1);
    const range = {
      location: this.#location(tensor.file),
      offset: tensor.offset + from * rowBytes,
      length: (to - from) * rowBytes,
    };
    const externalData = Object.entries(range).map(([key, value]) => ({ key, value: String(value) }));
    this.#initializers.push(tensorProto(name, type, shape, { externalData, dataLocation: EXTERNAL }));
    return { name, type, shape };
  }

  #asFloat32(stored: GraphValue): GraphValue {
    if (stored.type === "float32") return stored;
    const { name, shape } = stored;
    return this.node("Cast", [stored], { attributes: { to: elementTypes.float32 }, type: "float32", shape, name });
  }

  /** The ONNX model, and the files its initializers point into. */
  build(): ModelGraph {
    const model = create(ModelProtoSchema, {
      irVersion: BigInt(IR_VERSION),
      producerName: "latentkit",
      opsetImport: OPSETS,
      graph: {
        name: this.#name,
        node: this.#nodes,
        initializer: this.#initializers,
        input: this.#inputs,
        output: this.#outputs,
      },
    });
    const externalFiles: ExternalFile[] = [...this.#locations].map(([file, location]) => ({ location, file }));
    return { graph: toBinary(ModelProtoSchema, model), externalFiles };
  }

  #unique(name: string): string {
    const count = this.#names.get(name) ?? 0;
    this.#names.set(name, count + 1);
    // a numbered name may be a tensor's own
    return count === 0 ? name : this.#unique(`${name}_${count}`);
  }

  #location(file: ModelFile): string {
    const known = this.#locations.get(file);
    if (known !== undefined) return known;
    const taken = new Set(this.#locations.values());
    const name = baseName(file);
    const location = taken.has(name) ? `${taken.size}-${name}` : name;
    this.#locations.set(file, location);
    return location;
  }
}

function tensorProto(
  name: string,
  type: ElementType,
  shape: readonly number[],
  data: Partial<Pick<TensorProto, "rawData" | "dataLocation">> & { externalData?: { key: string; value: string }[] },
): TensorProto {
  return create(TensorProtoSchema, { name, dataType: elementTypes[type], dims: shape.map(BigInt), ...data });
}

function valueInfo(name: string, type: ElementType, shape: readonly Dim[]): ValueInfoProto {
  const dim = shape.map((axis) => (typeof axis === "number" ? { dimValue: BigInt(axis) } : { dimParam: axis }));
  return create(ValueInfoProtoSchema, { name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } });
}
