import { type ElementType, elementTypes, floatToHalf, type ModelFile, type ModelGraph } from "@latentkit/core";
import type { Attribute } from "./attribute.js";
import { FileLocations } from "./file-locations.js";
import type { GraphOptions } from "./graph-options.js";
import { modelBytes, nodeBytes, type TensorFields, tensorBytes, valueBytes } from "./onnx-bytes.js";
import { fused, type Operators } from "./operators.js";
import type { Packing } from "./packing.js";
import { type ByteRange, rangeFile } from "./range-file.js";
import { rowsOf } from "./rows-of.js";
import type { CheckpointTensor, SafetensorsType } from "./safetensors.js";

/** An axis: its length, or a name when it is known only at run time. */
export type Dim = number | string;

/** A value of the graph under construction. */
export interface GraphValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dim[];
}

/** A graph, and what goes into it and comes out. */
export interface BuiltGraph extends ModelGraph {
  readonly inputs: readonly { readonly name: string }[];
  readonly outputs: readonly { readonly name: string }[];
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
  /** Which of the operator's outputs to take. @default the first */
  readonly output?: number;
}

/** Which part of a stored tensor to take, and how to read it. */
export interface WeightOptions {
  readonly rows?: readonly [number, number];
  readonly shape?: readonly number[];
  /** @default the precision of the graph */
  readonly type?: ElementType;
}

const storedTypes: Partial<Record<SafetensorsType, ElementType>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  F64: "float64",
};

type ConstantType = "float32" | "float16" | "int64";
const constantData: Readonly<Record<ConstantType, (values: readonly number[]) => ArrayBufferView<ArrayBuffer>>> = {
  float32: (values) => Float32Array.from(values),
  float16: (values) => floatToHalf(Float32Array.from(values)),
  int64: (values) => BigInt64Array.from(values, BigInt),
};

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
  readonly #nodes: Uint8Array[] = [];
  readonly #initializers: Uint8Array[] = [];
  readonly #inputs: GraphValue[] = [];
  readonly #outputs: GraphValue[] = [];
  readonly #locations = new FileLocations();
  readonly #constants = new Map<string, GraphValue>();
  readonly #weights = new Map<ModelFile, Map<string, GraphValue>>();
  readonly #names = new Map<string, number>();

  /** Which fused operators the layers may use. */
  readonly operators: Operators;
  /** Element type of weights, and of what flows between layers. */
  readonly float: "float32" | "float16";
  /** How Linear layers are packed. */
  readonly packing: Packing | undefined;

  constructor(name: string, { operators = fused, precision = "fp32", packing }: GraphOptions = {}) {
    this.#name = name;
    this.operators = operators;
    this.float = precision === "fp16" ? "float16" : "float32";
    this.packing = packing;
  }

  /** Declares an input of the network. */
  input(name: string, type: ElementType, shape: readonly Dim[]): GraphValue {
    this.#names.set(name, 1);
    const value: GraphValue = { name, type, shape };
    this.#inputs.push(value);
    return value;
  }

  /** Declares an input that is float32 outside, and of the graph's precision inside. */
  floatInput(name: string, shape: readonly Dim[]): GraphValue {
    return this.#converted(this.input(name, "float32", shape), this.float);
  }

  /** Declares a value as an output of the network; half precision leaves it as float32, unless another type is given. */
  output(name: string, value: GraphValue, type: ElementType = value.type === "float16" ? "float32" : value.type): void {
    const isSame = type === value.type;
    const attributes: Record<string, Attribute> = isSame ? {} : { to: elementTypes[type] };
    const opType = isSame ? "Identity" : "Cast";
    const places = { input: [value.name], output: [name], name: `output/${name}`, domain: "" };
    this.#nodes.push(nodeBytes({ opType, ...places, attributes }));
    this.#outputs.push({ name, type, shape: value.shape });
  }

  /** Adds a node, and gives one of its outputs. Left-out optional inputs are `undefined`. */
  node(opType: string, inputs: readonly (GraphValue | undefined)[], options: NodeOptions): GraphValue {
    const name = this.#unique(options.name === undefined ? opType : `${options.name}/${opType}`);
    const { attributes = {}, domain = "" } = options;
    const input = inputs.map((value) => value?.name ?? "");
    const output = Array.from({ length: options.output ?? 0 }, (_, i) => `${name}.${i}`).concat(name);
    this.#nodes.push(nodeBytes({ opType, input, output, name, domain, attributes }));
    return { name, type: options.type ?? inputs[0]?.type ?? "float32", shape: options.shape };
  }

  /** A small tensor written into the graph; equal ones are written once. */
  constant(type: ConstantType, values: readonly number[], shape: readonly number[] = [values.length]): GraphValue {
    const key = `${type} ${shape} ${values}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const name = this.#unique("constant");
    const data = constantData[type](values);
    this.#initialize(name, type, shape, new Uint8Array(data.buffer));
    const value: GraphValue = { name, type, shape };
    this.#constants.set(key, value);
    return value;
  }

  /**
   * A tensor of the checkpoint in the graph's precision, where it lies in its file. `rows` takes a range of the first axis;
   * `shape` reads the same bytes under another shape.
   */
  weight(tensor: CheckpointTensor, options: WeightOptions = {}): GraphValue {
    if (tensor.transposed) return this.#turned(tensor, options);
    const stored = storedType(tensor);
    const part = options.rows ? rowsOf(tensor, options.rows) : tensor;
    const { type = this.float, shape = part.shape } = options;
    const known = this.#weights.get(part.file) ?? new Map<string, GraphValue>();
    this.#weights.set(part.file, known);
    const key = `${part.offset} ${part.length} ${shape} ${type}`;
    const value = known.get(key) ?? this.#converted(this.#external(tensor.name, stored, shape, mappable(part)), type);
    known.set(key, value);
    return value;
  }

  /** A matrix that lies with its axes exchanged. */
  #turned({ transposed: _, ...tensor }: CheckpointTensor, { rows, ...options }: WeightOptions): GraphValue {
    const [height = 0, width = 0] = tensor.shape;
    if (rows && rows[1] - rows[0] !== height) throw new TypeError(`${tensor.name}: rows of a transposed tensor`);
    const stored = this.weight({ ...tensor, shape: [width, height] }, { ...options, shape: [width, height] });
    return this.node("Transpose", [stored], { attributes: { perm: [1, 0] }, shape: tensor.shape, name: tensor.name });
  }

  /** A matrix `[out, in]` as integers `[out, blocks, bytes]` and scales `[out · blocks]`, made while the session opens. */
  packed(matrix: CheckpointTensor, packing: Packing): { values: GraphValue; scales: GraphValue } {
    storedType(matrix);
    const { file, values, scales } = packing.file(matrix, this.float);
    return {
      values: this.#external(file.name, "uint8", values.shape, { ...values, file }),
      scales: this.#external(`${file.name}.scales`, this.float, scales.shape, { ...scales, file }),
    };
  }

  /** An initializer that is a byte range of a file. */
  #external(
    tensorName: string,
    type: ElementType,
    shape: readonly number[],
    { file, offset, length }: ByteRange,
  ): GraphValue {
    const name = this.#unique(tensorName);
    this.#initialize(name, type, shape, { location: this.#locations.of(file), offset, length });
    return { name, type, shape };
  }

  #initialize(name: string, type: ElementType, shape: readonly number[], content: TensorFields["content"]): void {
    this.#initializers.push(tensorBytes({ name, elementType: elementTypes[type], shape, content }));
  }

  /** Another element type. ONNX Runtime folds the node while it opens the graph, and keeps the result only. */
  #converted(stored: GraphValue, type: ElementType): GraphValue {
    if (stored.type === type) return stored;
    const { name, shape } = stored;
    return this.node("Cast", [stored], { attributes: { to: elementTypes[type] }, type, shape, name });
  }

  /** The ONNX model, and the files its initializers point into. */
  build(): BuiltGraph {
    const values = (list: readonly GraphValue[]) =>
      list.map(({ name, type, shape }) => valueBytes({ name, elementType: elementTypes[type], shape }));
    return {
      graph: modelBytes({
        name: this.#name,
        nodes: this.#nodes,
        initializers: this.#initializers,
        inputs: values(this.#inputs),
        outputs: values(this.#outputs),
      }),
      externalFiles: this.#locations.files(),
      inputs: this.#inputs.map(({ name }) => ({ name })),
      outputs: this.#outputs.map(({ name }) => ({ name })),
    };
  }

  #unique(name: string): string {
    const count = this.#names.get(name) ?? 0;
    this.#names.set(name, count + 1);
    // a numbered name may be a tensor's own
    return count === 0 ? name : this.#unique(`${name}_${count}`);
  }
}

/** The range where a session can map it; else as a file of its own, so that nothing else is read into memory. */
function mappable(part: CheckpointTensor): ByteRange {
  if (part.file.path !== undefined) return part;
  return { file: rangeFile(part.name, part), offset: 0, length: part.length };
}

/** @throws TypeError for a tensor that holds no floating-point numbers. */
function storedType({ name, dtype }: CheckpointTensor): ElementType {
  const type = storedTypes[dtype];
  if (!type) throw new TypeError(`${name}: expected a floating-point tensor, got ${dtype}`);
  return type;
}
