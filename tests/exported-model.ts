import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ElementType, elementTypes, floatToHalf, type ModelGraph } from "@latentkit/core";
import { type Attribute, attributeField } from "../packages/onnx/src/attribute.js";
import type { Dim } from "../packages/onnx/src/graph-builder.js";
import {
  type GraphProto,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "../packages/onnx/src/onnx_pb.js";

/** An input or output as an exporter makes it. */
export interface ExportedValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dim[];
}

/** How an exporter writes a network. */
export interface ExportHabit {
  /** This library's inputs by name, and what becomes of them; `"ones"` for one that the export lacks. */
  readonly inputs: Readonly<Record<string, ExportedValue | "ones">>;
  /** This library's outputs by name, and what becomes of them; others are left out. */
  readonly outputs: Readonly<Record<string, ExportedValue>>;
  /** The file of the weights; left out, they are in the model. */
  readonly dataFile?: string;
  /** Whether the weights are float16. */
  readonly half?: boolean;
  /** What the encoder of an autoencoder gives in place of `mean` and `logvar`: both together, or latents drawn by the graph. */
  readonly latents?: "parameters" | "drawn";
}

/** What an exporter writes: `model.onnx`, and the weights beside it. */
export interface ExportedFiles {
  readonly model: Uint8Array;
  readonly data: Uint8Array;
}

/** Writes one of this library's networks as an exporter would have: real exports cannot be part of a repository. */
export async function exportOf(network: ModelGraph, habit: ExportHabit): Promise<ExportedFiles> {
  const model = fromBinary(ModelProtoSchema, network.graph);
  const graph = model.graph;
  if (!graph) throw new Error("the network has no graph");
  await embedWeights(graph, network);
  if (habit.half) halveWeights(graph);
  if (habit.latents) joinLatents(graph, habit.latents);
  for (const [ours, theirs] of Object.entries(habit.inputs)) replaceInput(graph, ours, theirs);
  replaceOutputs(graph, habit.outputs);
  const data = habit.dataFile === undefined ? new Uint8Array() : moveWeights(graph, habit.dataFile);
  return { model: toBinary(ModelProtoSchema, model), data };
}

async function embedWeights(graph: GraphProto, { externalFiles }: ModelGraph): Promise<void> {
  for (const tensor of graph.initializer) {
    if (tensor.externalData.length === 0) continue;
    const at = (key: string) => tensor.externalData.find((entry) => entry.key === key)?.value;
    const { file } = externalFiles.find(({ location }) => location === at("location")) ?? {};
    if (!file) throw new Error(`no file for ${tensor.name}`);
    tensor.rawData = new Uint8Array(await file.read(Number(at("offset")), Number(at("length"))));
    tensor.externalData = [];
    tensor.dataLocation = 0;
  }
}

function halveWeights(graph: GraphProto): void {
  for (const tensor of graph.initializer) {
    if (tensor.dataType !== elementTypes.float32 || tensor.rawData.length < 64) continue;
    const half = floatToHalf(new Float32Array(new Uint8Array(tensor.rawData).buffer));
    tensor.rawData = new Uint8Array(half.buffer);
    tensor.dataType = elementTypes.float16;
    const { name } = tensor;
    tensor.name = `${name}.half`;
    prepend(graph, "Cast", [tensor.name], name, { to: elementTypes.float32 });
  }
}

/** mean and logvar to `latent_parameters`, or to a `latent_sample` as `DiagonalGaussianDistribution.sample` draws it. */
function joinLatents(graph: GraphProto, kind: "parameters" | "drawn"): void {
  if (kind === "parameters") {
    append(graph, "Concat", ["mean", "logvar"], "latent_parameters", { axis: 1 });
    return;
  }
  append(graph, "RandomNormalLike", ["mean"], "noise", { seed: { float: 7 } });
  constant(graph, "half", Float32Array.of(0.5));
  append(graph, "Mul", ["logvar", "half"], "log_deviation");
  append(graph, "Exp", ["log_deviation"], "deviation");
  append(graph, "Mul", ["deviation", "noise"], "difference");
  append(graph, "Add", ["mean", "difference"], "latent_sample");
}

function replaceInput(graph: GraphProto, ours: string, theirs: ExportedValue | "ones"): void {
  const index = graph.input.findIndex(({ name }) => name === ours);
  const type = graph.input[index]?.type?.tensorType?.elemType;
  if (type === undefined) throw new Error(`no input ${ours}`);
  const inner = `${ours}::inner`;
  for (const node of graph.node) node.input = node.input.map((name) => (name === ours ? inner : name));
  if (theirs === "ones") {
    graph.input.splice(index, 1);
    const [{ name: ids } = { name: "" }] = graph.input;
    prepend(graph, "Cast", [`${ours}::equal`], inner, { to: type });
    prepend(graph, "Equal", [`${ids}::inner`, `${ids}::inner`], `${ours}::equal`);
    return;
  }
  graph.input[index] = valueInfo(theirs);
  if (theirs.shape.length > 0) {
    prepend(graph, "Cast", [theirs.name], inner, { to: type });
    return;
  }
  constant(graph, `${ours}::shape`, BigInt64Array.of(1n));
  prepend(graph, "Reshape", [`${ours}::number`, `${ours}::shape`], inner);
  prepend(graph, "Cast", [theirs.name], `${ours}::number`, { to: type });
}

function replaceOutputs(graph: GraphProto, outputs: ExportHabit["outputs"]): void {
  const names = new Set(Object.keys(outputs));
  for (const node of graph.node) {
    node.output = node.output.map((name) => (names.has(name) ? `${name}::inner` : name));
    node.input = node.input.map((name) => (names.has(name) ? `${name}::inner` : name));
  }
  for (const [ours, { name, type }] of Object.entries(outputs))
    append(graph, "Cast", [`${ours}::inner`], name, { to: elementTypes[type] });
  graph.output = Object.values(outputs).map(valueInfo);
}

function moveWeights(graph: GraphProto, location: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const tensor of graph.initializer) {
    if (tensor.rawData.length < 64) continue;
    chunks.push(tensor.rawData);
    const range = { location, offset, length: tensor.rawData.length };
    offset += tensor.rawData.length;
    tensor.externalData = Object.entries(range).map(([key, value]) => ({
      $typeName: "onnx.StringStringEntryProto" as const,
      key,
      value: String(value),
    }));
    tensor.rawData = new Uint8Array();
    tensor.dataLocation = 1;
  }
  return Buffer.concat(chunks);
}

function constant(graph: GraphProto, name: string, values: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>) {
  const dataType = values instanceof Float32Array ? elementTypes.float32 : elementTypes.int64;
  const dims = values.length === 1 && values instanceof Float32Array ? [] : [BigInt(values.length)];
  graph.initializer.push(create(TensorProtoSchema, { name, dataType, dims, rawData: new Uint8Array(values.buffer) }));
}

type Attributes = Readonly<Record<string, Attribute>>;

function node(opType: string, input: string[], output: string, attributes: Attributes = {}) {
  const written = Object.entries(attributes).flatMap(([name, value]) => [...attributeField(5, name, value)]);
  const { attribute } = fromBinary(NodeProtoSchema, Uint8Array.from(written));
  return create(NodeProtoSchema, {
    opType,
    input,
    output: [output],
    name: `${opType}/${input.join()}/${output}`,
    attribute,
  });
}

function prepend(graph: GraphProto, ...args: Parameters<typeof node>): void {
  graph.node.unshift(node(...args));
}

function append(graph: GraphProto, ...args: Parameters<typeof node>): void {
  graph.node.push(node(...args));
}

function valueInfo({ name, type, shape }: ExportedValue) {
  const dim = shape.map((axis) => (typeof axis === "number" ? { dimValue: BigInt(axis) } : { dimParam: axis }));
  return create(ValueInfoProtoSchema, { name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } });
}
