import { LatentKitError, type ModelFile, type ModelGraph } from "@latentkit/core";
import { delimited, fieldsOf, join, text } from "@latentkit/core/protobuf";
import { runtimeError } from "./runtime-error.js";
import type { ExternalBytes } from "./session-host.js";

/** Field numbers of onnx.proto. */
const MODEL = { graph: 7 } as const;
const GRAPH = { initializer: 5 } as const;
const TENSOR = { externalData: 13 } as const;
const ENTRY = { key: 1, value: 2 } as const;

/** Bytes that are read at once. */
const CHUNK = 64 * 2 ** 20;
/** Bytes of one array: what a browser on 32 bits still allocates. */
const PACK = 2 ** 30;

const decoder = new TextDecoder();

/** A part of a file that is one tensor's values. */
interface Range {
  readonly location: string;
  readonly file: ModelFile;
  readonly offset: number;
  readonly length: number;
}

/** A range and its place in memory. */
interface Placed extends Range {
  readonly pack: number;
  readonly at: number;
}

/** A graph whose weights are in memory. */
export interface PackedGraph {
  readonly graph: Uint8Array;
  readonly files: readonly ExternalBytes[];
}

/**
 * Reads the weights of a graph, and only these: of a file with several networks the others stay where they are. What is
 * held is the weights of this network and one chunk of a file.
 *
 * @throws LatentKitError `"invalid-checkpoint"` when a file ends too early, `"out-of-memory"`, or what reading a file throws.
 */
export async function packWeights({ graph, externalFiles }: ModelGraph): Promise<PackedGraph> {
  if (externalFiles.length === 0) return { graph, files: [] };
  const files = new Map(externalFiles.map(({ location, file }) => [location, file]));
  const places = placesOf(tensorsOf(graph).flatMap((tensor) => rangeOf(tensor, files) ?? []));
  const packs = await read([...places.values()]);
  return { graph: moved(graph, files, places), files: packs };
}

/** Each range once, those of a file together and in its order. */
function placesOf(ranges: readonly Range[]): ReadonlyMap<string, Placed> {
  const order = [...new Set(ranges.map(({ location }) => location))];
  const rank = ({ location }: Range) => order.indexOf(location);
  const sorted = [...ranges].sort((a, b) => rank(a) - rank(b) || a.offset - b.offset || a.length - b.length);
  const places = new Map<string, Placed>();
  let [pack, at] = [0, 0];
  for (const range of sorted) {
    const key = keyOf(range);
    if (places.has(key)) continue;
    if (at > 0 && at + range.length > PACK) [pack, at] = [pack + 1, 0];
    places.set(key, { ...range, pack, at });
    at += range.length;
  }
  return places;
}

const keyOf = ({ location, offset, length }: Range): string => `${location}:${offset}:${length}`;
const packName = (pack: number): string => `weights-${pack}`;

async function read(places: readonly Placed[]): Promise<ExternalBytes[]> {
  const sizes: number[] = [];
  for (const { pack, at, length } of places) sizes[pack] = at + length;
  const packs = sizes.map((size, pack) => ({ path: packName(pack), data: allocate(size) }));
  for (const run of runsOf(places)) {
    for (let done = 0; done < run.length; done += CHUNK) {
      const bytes = await run.file.read(run.offset + done, Math.min(CHUNK, run.length - done));
      packs[run.pack]!.data.set(bytes, run.at + done);
    }
  }
  return packs;
}

/** Neighbours in the file that are neighbours in memory too are read as one. */
function runsOf(places: readonly Placed[]): Placed[] {
  const runs: Placed[] = [];
  for (const place of places) {
    const last = runs.at(-1);
    const follows = last?.file === place.file && last.pack === place.pack && last.offset + last.length === place.offset;
    if (last && follows) runs[runs.length - 1] = { ...last, length: last.length + place.length };
    else runs.push(place);
  }
  return runs;
}

function allocate(size: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(size);
  } catch (cause) {
    throw runtimeError("out-of-memory", `the weights of ${Math.ceil(size / 2 ** 20)} MiB cannot be held`, cause);
  }
}

/** The tensors that a graph holds. */
function tensorsOf(model: Uint8Array): Uint8Array[] {
  return contentsOf(model, MODEL.graph).flatMap((graph) => contentsOf(graph, GRAPH.initializer));
}

/** Where a tensor's values lie; undefined when they are in the graph. */
function rangeOf(tensor: Uint8Array, files: ReadonlyMap<string, ModelFile>): Range | undefined {
  const entries = new Map(contentsOf(tensor, TENSOR.externalData).map(entryOf));
  const location = entries.get("location") ?? "";
  const file = files.get(location);
  if (!file) return undefined;
  const offset = Number(entries.get("offset") ?? 0);
  const length = Number(entries.get("length") ?? file.size - offset);
  if (offset + length <= file.size) return { location, file, offset, length };
  const message = `${file.name}: weights end at byte ${offset + length}, the file has ${file.size}; download it again`;
  throw new LatentKitError("invalid-checkpoint", message);
}

function entryOf(entry: Uint8Array): [string, string] {
  const textOf = (tag: number) => decoder.decode(contentsOf(entry, tag)[0]);
  return [textOf(ENTRY.key), textOf(ENTRY.value)];
}

function contentsOf(message: Uint8Array, tag: number): Uint8Array[] {
  return [...fieldsOf(message)].filter((field) => field.tag === tag).map(({ content }) => content);
}

/** The same model, pointing to the places in memory. */
function moved(
  model: Uint8Array,
  files: ReadonlyMap<string, ModelFile>,
  places: ReadonlyMap<string, Placed>,
): Uint8Array {
  const changeTensor = (tensor: Uint8Array): Uint8Array => {
    const range = rangeOf(tensor, files);
    const place = range && places.get(keyOf(range));
    return place ? placed(tensor, place) : tensor;
  };
  return changed(model, MODEL.graph, (graph) => changed(graph, GRAPH.initializer, changeTensor));
}

function placed(tensor: Uint8Array, { pack, at, length }: Placed): Uint8Array {
  const entries = Object.entries({ location: packName(pack), offset: at, length }).map(([key, value]) =>
    delimited(TENSOR.externalData, text(ENTRY.key, key), text(ENTRY.value, String(value))),
  );
  const kept = [...fieldsOf(tensor)].filter(({ tag }) => tag !== TENSOR.externalData).map(({ bytes }) => bytes);
  return join([...kept, ...entries]);
}

/** A message with the content of some fields changed. */
function changed(message: Uint8Array, tag: number, change: (content: Uint8Array) => Uint8Array): Uint8Array {
  return join(
    [...fieldsOf(message)].map((field) => (field.tag === tag ? delimited(tag, change(field.content)) : field.bytes)),
  );
}
