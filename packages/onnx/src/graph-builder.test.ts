import { fromBinary } from "@bufbuild/protobuf";
import { type ModelGraph, type Tensor, tensor } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { memoryFile } from "../../../tests/memory-files.js";
import { safetensorsBytes } from "../../../tests/safetensors-bytes.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import { type ModelProto, ModelProtoSchema } from "./onnx_pb.js";
import { type CheckpointTensor, readSafetensorsHeader } from "./safetensors.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });

const read = ({ graph }: ModelGraph): ModelProto => fromBinary(ModelProtoSchema, graph);

/** A file with one tensor `w`. */
async function stored(
  dtype: string,
  shape: readonly number[],
  values: ArrayBufferView,
  name = "w.safetensors",
): Promise<CheckpointTensor> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const header = { w: { dtype, shape, data_offsets: [0, bytes.length] } };
  const { tensors } = await readSafetensorsHeader(memoryFile(name, safetensorsBytes(header, bytes)));
  return tensors.get("w")!;
}

/** Six values, 0 to 5, as `[3, 2]`. */
const sixValues = () => stored("F32", [3, 2], Float32Array.of(0, 1, 2, 3, 4, 5));

/** What ONNX Runtime makes of the outputs of a graph without inputs that matter. */
async function run(model: ModelGraph, feeds: Record<string, Tensor> = {}): Promise<Record<string, number[]>> {
  const session = await backend.createSession(model);
  const outputs = await session.run(feeds);
  await session.dispose();
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, Array.from(value.data, Number)]));
}

describe("names", () => {
  it("are unique, and say which module a node stands for", () => {
    const g = new GraphBuilder("names");
    const x = g.input("x", "float32", ["n"]);
    const double = (value: GraphValue, name?: string) =>
      g.node("Add", [value, value], { shape: value.shape, ...(name !== undefined && { name }) });
    const values = [double(x), double(x), double(x, "mid_block"), double(x, "mid_block")];
    expect(values.map(({ name }) => name)).toEqual(["Add", "Add_1", "mid_block/Add", "mid_block/Add_1"]);
  });

  it("of tensors and nodes never meet", async () => {
    const g = new GraphBuilder("names");
    const w = await sixValues();
    const x = g.input("w", "float32", [3, 2]);
    const y = g.node("w", [x], { shape: [3, 2] });
    const names = [x, y, g.weight(w), g.weight(w, { rows: [0, 1] }), g.weight({ ...w, name: "w_1" }, { rows: [1, 3] })];
    expect(new Set(names.map(({ name }) => name)).size).toBe(names.length);
  });

  it("of inputs and outputs may be given to a value as it is", async () => {
    const g = new GraphBuilder("pass");
    const x = g.input("x", "float32", ["n"]);
    g.output("same", x);
    g.output("again", x);
    expect(await run(g.build(), { x: tensor(Float32Array.of(1, 2), [2]) })).toEqual({ same: [1, 2], again: [1, 2] });
  });
});

describe("constants", () => {
  it("of equal type, shape and values are written once", () => {
    const g = new GraphBuilder("constants");
    const one = g.constant("float32", [1]);
    expect(g.constant("float32", [1])).toBe(one);
    const others = [
      g.constant("int64", [1]),
      g.constant("float32", [1], []),
      g.constant("float32", [1, 1]),
      g.constant("float32", [-1]),
    ];
    expect(new Set([one, ...others].map(({ name }) => name)).size).toBe(5);
    expect(read(g.build()).graph?.initializer).toHaveLength(5);
  });

  it("of equal values under two shapes are two", () => {
    const g = new GraphBuilder("constants");
    expect(g.constant("float32", [1, 2], [2, 1])).not.toBe(g.constant("float32", [1, 2], [1, 2]));
    expect(g.constant("float32", [1, 2], [2, 1])).toMatchObject({ type: "float32", shape: [2, 1] });
  });

  it("reach the network with their values", async () => {
    const g = new GraphBuilder("constants");
    g.output("float", g.constant("float32", [0.5, -1e30], [1, 2]));
    g.output("int", g.constant("int64", [-1, 2 ** 40]));
    expect(await run(g.build())).toEqual({ float: [0.5, Math.fround(-1e30)], int: [-1, 2 ** 40] });
  });
});

describe("weights", () => {
  it("are byte ranges of their file, never copies", async () => {
    const g = new GraphBuilder("weights");
    const stored = await sixValues();
    const w = { ...stored, file: { ...stored.file, path: "/models/w.safetensors" } };
    g.output("y", g.weight(w));
    const model = g.build();
    expect(model.externalFiles).toEqual([{ location: "w.safetensors", file: w.file }]);
    const [initializer] = read(model).graph?.initializer ?? [];
    expect(initializer).toMatchObject({ name: "w", dataLocation: 1, dims: [3n, 2n] });
    expect(initializer?.rawData).toHaveLength(0);
    const range = Object.fromEntries(initializer?.externalData.map(({ key, value }) => [key, value]) ?? []);
    expect(range).toEqual({ location: "w.safetensors", offset: String(w.offset), length: "24" });
  });

  it("of a file that cannot be mapped are read one by one, and no more than them", async () => {
    const g = new GraphBuilder("weights");
    const w = await sixValues();
    g.output("y", g.weight(w, { rows: [1, 2] }));
    const { externalFiles } = g.build();
    const [only] = externalFiles;
    expect(externalFiles.map(({ location, file }) => [location, file.size])).toEqual([["w", 8]]);
    expect(await only?.file.read()).toEqual(new Uint8Array(Float32Array.of(2, 3).buffer));
    expect(await only?.file.read(4, 4)).toEqual(new Uint8Array(Float32Array.of(3).buffer));
  });

  it("are shared when taken twice", async () => {
    const g = new GraphBuilder("weights");
    const w = await sixValues();
    expect(g.weight(w)).toBe(g.weight(w));
    expect(g.weight(w, { rows: [0, 3] })).toBe(g.weight(w));
    expect(g.weight(w, { rows: [0, 2] })).not.toBe(g.weight(w));
  });

  it("can be taken by rows, and under another shape", async () => {
    const g = new GraphBuilder("weights");
    const w = await sixValues();
    g.output("first", g.weight(w, { rows: [0, 1] }));
    g.output("rest", g.weight(w, { rows: [1, 3] }));
    const column = g.weight(w, { shape: [6, 1, 1] });
    const part = g.weight(w, { rows: [1, 2], shape: [2, 1] });
    g.output("column", column);
    g.output("part", part);
    expect([column.shape, part.shape]).toEqual([
      [6, 1, 1],
      [2, 1],
    ]);
    const values = await run(g.build());
    expect(values).toEqual({ first: [0, 1], rest: [2, 3, 4, 5], column: [0, 1, 2, 3, 4, 5], part: [2, 3] });
  });

  // 1.5 is 0x3e00 as float16 and 0x3fc0 as bfloat16, -2 is 0xc000 as both
  it.each([
    ["F32", Float32Array.of(1.5, -2)],
    ["F16", Uint16Array.of(0x3e00, 0xc000)],
    ["BF16", Uint16Array.of(0x3fc0, 0xc000)],
    ["F64", Float64Array.of(1.5, -2)],
  ])("stored as %s reach the network as float32", async (dtype, values) => {
    const g = new GraphBuilder("weights");
    const whole = g.weight(await stored(dtype, [2, 1], values));
    g.output("whole", whole);
    g.output("row", g.weight(await stored(dtype, [2, 1], values), { rows: [1, 2] }));
    expect(whole).toMatchObject({ type: "float32", shape: [2, 1] });
    expect(await run(g.build())).toEqual({ whole: [1.5, -2], row: [-2] });
  });

  it("may be scalars", async () => {
    const g = new GraphBuilder("weights");
    g.output("y", g.weight(await stored("F32", [], Float32Array.of(7))));
    expect(await run(g.build())).toEqual({ y: [7] });
  });

  it("of integers are refused by name", async () => {
    const g = new GraphBuilder("weights");
    const ids = await stored("I64", [1], BigInt64Array.of(3n));
    expect(() => g.weight(ids)).toThrow("w: expected a floating-point tensor, got I64");
  });

  it("of two files of one name are kept apart", async () => {
    const g = new GraphBuilder("weights");
    const [ours, theirs] = [
      await stored("F32", [1], Float32Array.of(1), "a/model.safetensors"),
      await stored("F32", [1], Float32Array.of(2), "b/model.safetensors"),
    ];
    g.output("ours", g.weight(ours));
    g.output("theirs", g.weight(theirs));
    const model = g.build();
    const locations = model.externalFiles.map(({ location }) => location);
    expect(new Set(locations).size).toBe(2);
    // ONNX Runtime refuses paths that leave the folder
    expect(locations.every((location) => !/[\\/]/.test(location))).toBe(true);
    expect(await run(model)).toEqual({ ours: [1], theirs: [2] });
  });
});

describe("half precision", () => {
  it("has float32 at the inputs and outputs, and float16 between them", async () => {
    const g = new GraphBuilder("half", { precision: "fp16" });
    const x = g.floatInput("x", ["n"]);
    const sum = g.node("Add", [x, g.constant("float16", [2048])], { shape: ["n"] });
    g.output("y", sum);
    expect([x.type, sum.type]).toEqual(["float16", "float16"]);
    expect(await run(g.build(), { x: tensor(Float32Array.of(0, 2, 4), [3]) })).toEqual({ y: [2048, 2050, 2052] });
  });

  it.each([
    ["F32", Float32Array.of(1 + 2 ** -12, -2)],
    ["F16", Uint16Array.of(0x3c00, 0xc000)],
    ["BF16", Uint16Array.of(0x3f80, 0xc000)],
  ])("takes weights stored as %s, and float32 ones where a layer asks for them", async (dtype, values) => {
    const g = new GraphBuilder("half", { precision: "fp16" });
    const w = await stored(dtype, [2], values);
    const [half, full] = [g.weight(w), g.weight(w, { type: "float32" })];
    g.output("half", half);
    g.output("full", full);
    expect([half.type, full.type]).toEqual(["float16", "float32"]);
    expect(await run(g.build())).toEqual({ half: [1, -2], full: [dtype === "F32" ? 1 + 2 ** -12 : 1, -2] });
  });
});
