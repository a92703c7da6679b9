import { create, type DescMessage, type MessageShape, mergeFromBinary, toBinary } from "@bufbuild/protobuf";
import { LatentKitError, type ModelFile, type ModelFiles } from "@latentkit/core";
import type { DeclaredValue, ExportedGraph } from "./exported-graph.js";
import { FileLocations } from "./file-locations.js";
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
} from "./onnx_pb.js";
import { type ProtobufField, ProtobufFile } from "./protobuf-fields.js";

/** Numbers of the fields that are looked at (onnx.proto). */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_RAW_DATA = 9;
const EXTERNAL = 1;
/** Bytes that tell what a file is. */
const HEAD = 64;

/** Smaller tensors stay in the graph, where ONNX Runtime finds shapes and axes while it optimises. */
const LARGE = 1024;

/** What `openExportedGraph` gives. */
export async function readExportedGraph(file: ModelFile, folder: ModelFiles): Promise<ExportedGraph> {
  await checkHead(file);
  const reader = new ProtobufFile(file);
  const weights = new ExportedWeights(file, folder);
  const model = create(ModelProtoSchema);
  const graph = create(GraphProtoSchema);
  for await (const field of reader.fields()) {
    if (field.number === MODEL_GRAPH) await readGraph(reader, graph, weights, field);
    else await merge(reader, ModelProtoSchema, model, field);
  }
  if (graph.output.length === 0) throw broken(file, "it is no ONNX model");
  model.graph = graph;
  const initializers = new Set(graph.initializer.map(({ name }) => name));
  return {
    location: file.name,
    graph: toBinary(ModelProtoSchema, model),
    externalFiles: weights.locations.files(),
    inputs: graph.input.filter(({ name }) => !initializers.has(name)).map(declared),
    outputs: graph.output.map(declared),
  };
}

async function readGraph(
  reader: ProtobufFile,
  graph: GraphProto,
  weights: ExportedWeights,
  place: ProtobufField,
): Promise<void> {
  for await (const field of reader.fields(place.content, place.end)) {
    if (field.number === GRAPH_INITIALIZER) graph.initializer.push(await readTensor(reader, weights, field));
    else await merge(reader, GraphProtoSchema, graph, field);
  }
}

/** A tensor whose values, when they are many, stay where they are. */
async function readTensor(reader: ProtobufFile, weights: ExportedWeights, place: ProtobufField): Promise<TensorProto> {
  const tensor = create(TensorProtoSchema);
  let inside: ProtobufField | undefined;
  for await (const field of reader.fields(place.content, place.end)) {
    if (field.number === TENSOR_RAW_DATA && field.end - field.content >= LARGE) inside = field;
    else await merge(reader, TensorProtoSchema, tensor, field);
  }
  if (inside) weights.leaveInside(tensor, inside);
  else if (tensor.dataLocation === EXTERNAL) await weights.findOutside(tensor);
  return tensor;
}

/** Adds a field to a message, of which the library reads what it knows and keeps the rest. */
async function merge<Schema extends DescMessage>(
  reader: ProtobufFile,
  schema: Schema,
  message: MessageShape<Schema>,
  { start, end }: ProtobufField,
): Promise<void> {
  const bytes = await reader.bytes(start, end);
  try {
    mergeFromBinary(schema, message, bytes);
  } catch (cause) {
    throw broken(reader.file, `byte ${start} begins no field of an ONNX model`, { cause });
  }
}

/** Where the weights of one export lie. */
class ExportedWeights {
  readonly locations = new FileLocations();
  readonly #model: ModelFile;
  readonly #folder: ModelFiles;
  readonly #found = new Map<string, ModelFile>();

  constructor(model: ModelFile, folder: ModelFiles) {
    this.#model = model;
    this.#folder = folder;
  }

  /** Makes a tensor a byte range of the model's own file. */
  leaveInside(tensor: TensorProto, { content, end }: ProtobufField): void {
    const range = { location: this.locations.of(this.#model), offset: content, length: end - content };
    tensor.externalData = Object.entries(range).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value: String(value) }),
    );
    tensor.dataLocation = EXTERNAL;
  }

  /** Finds the file of a tensor, and names it as a session will: links may have called it otherwise. */
  async findOutside({ name, externalData }: TensorProto): Promise<void> {
    const entry = externalData.find(({ key }) => key === "location");
    if (!entry) throw broken(this.#model, `tensor ${name} lies outside, but not where`);
    const file = await this.#file(entry.value);
    const number = (key: string) => Number(externalData.find((item) => item.key === key)?.value ?? 0);
    const end = number("offset") + number("length");
    if (end > file.size) throw broken(file, `tensor ${name} ends at byte ${end}, the file has only ${file.size}`);
    entry.value = this.locations.of(file);
  }

  async #file(location: string): Promise<ModelFile> {
    const file = this.#found.get(location) ?? (await this.#folder.find(location));
    if (!file) {
      const place = `${this.#model.name} keeps its weights in ${location}, which is not in ${this.#folder.location}`;
      throw new LatentKitError("file-not-found", `${place}; download it into that folder`);
    }
    if (!this.#found.has(location)) await checkHead(file);
    this.#found.set(location, file);
    return file;
  }
}

function declared({ name, type }: ValueInfoProto): DeclaredValue {
  const axes = type?.tensorType?.shape?.dim ?? [];
  return { name, shape: axes.map(({ dimValue, dimParam }) => (dimValue > 0n ? Number(dimValue) : dimParam)) };
}

/** Refuses what is often found in place of a model's file. */
async function checkHead(file: ModelFile): Promise<void> {
  if (file.size === 0) throw broken(file, "it is empty");
  const head = new TextDecoder("latin1").decode(await file.read(0, Math.min(file.size, HEAD)));
  if (head.startsWith("version https://git-lfs")) {
    const message = `${file.name} is only the pointer of a Git LFS file; run "git lfs pull", or download the file itself`;
    throw new LatentKitError("invalid-checkpoint", message);
  }
  if (/^\s*<(!doctype|html|\?xml)/i.test(head)) throw broken(file, "it is a web page, no ONNX model");
  if (head.slice(4, 8) === "ORTM") {
    const message = `${file.name} is in ONNX Runtime's own format; take the .onnx model that it was made from`;
    throw new LatentKitError("unsupported-model", message);
  }
}

function broken(file: ModelFile, problem: string, options?: ErrorOptions): LatentKitError {
  return new LatentKitError("invalid-checkpoint", `${file.name}: ${problem}; download it again`, options);
}
