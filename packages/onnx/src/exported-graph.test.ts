import { fromBinary } from "@bufbuild/protobuf";
import type { ModelFile } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { optimum, tinySd, value } from "../../../tests/exported-folders.js";
import { exportOf } from "../../../tests/exported-model.js";
import { memoryFile, memoryFiles } from "../../../tests/memory-files.js";
import { openExportedGraph } from "./exported-graph.js";
import { GraphBuilder } from "./graph-builder.js";
import { ModelProtoSchema } from "./onnx_pb.js";

const { textEncoder, unet } = await tinySd();
const inside = await exportOf(textEncoder, optimum.textEncoder);
const outside = await exportOf(unet, optimum.unet);
const folder = (contents: Record<string, string | Uint8Array>) => memoryFiles(contents, "model").at("unet");

function open(model: string | Uint8Array, beside: Record<string, string | Uint8Array> = {}) {
  return openExportedGraph(memoryFile("unet/model.onnx", model), folder(beside));
}

describe("a graph with its weights inside", () => {
  it("becomes one of byte ranges of its own file", async () => {
    const graph = await open(inside.model);
    const model = fromBinary(ModelProtoSchema, graph.graph);
    const original = fromBinary(ModelProtoSchema, inside.model);
    expect(graph.externalFiles.map(({ location }) => location)).toEqual(["model.onnx"]);
    expect(model.graph?.node.length).toBe(original.graph?.node.length);
    expect(model.graph?.initializer.map(({ name }) => name)).toEqual(
      original.graph?.initializer.map(({ name }) => name),
    );
    for (const [i, tensor] of (model.graph?.initializer ?? []).entries()) {
      const { rawData } = original.graph?.initializer[i] ?? { rawData: new Uint8Array() };
      const at = (key: string) => Number(tensor.externalData.find((entry) => entry.key === key)?.value);
      const bytes =
        rawData.length < 1024 ? tensor.rawData : inside.model.slice(at("offset"), at("offset") + at("length"));
      expect(Buffer.from(bytes).equals(rawData)).toBe(true);
    }
  });

  it("is read but for the weights", async () => {
    // as large as a real text encoder's table, in which windows do not count
    const zeros = await exportOf(largeNetwork(), { inputs: {}, outputs: { y: value("y", "float32", 4096, 1024) } });
    const counted = countedFile(zeros.model);
    await openExportedGraph(counted.file, folder({}));
    expect(zeros.model.length).toBeGreaterThan(16 * 2 ** 20);
    expect(counted.bytes()).toBeLessThan(2 ** 18);
  });

  it("says what it takes and gives", async () => {
    const { inputs, outputs, location } = await open(outside.model, { "unet/model.onnx_data": outside.data });
    expect(location).toBe("unet/model.onnx");
    expect(inputs).toEqual([
      { name: "sample", shape: ["batch_size", 4, "height", "width"] },
      { name: "timestep", shape: [] },
      { name: "encoder_hidden_states", shape: ["batch_size", "sequence_length", 32] },
    ]);
    expect(outputs).toEqual([{ name: "out_sample", shape: ["batch_size", 4, "height", "width"] }]);
  });
});

/** A network of one large weight. */
function largeNetwork() {
  const g = new GraphBuilder("large");
  const shape = [4096, 1024];
  const file = memoryFile("large.safetensors", new Uint8Array(4096 * 1024 * 4));
  const tensor = { name: "table", dtype: "F32", shape, offset: 0, length: file.size, file } as const;
  g.output("y", g.node("Identity", [g.weight(tensor)], { shape }));
  return g.build();
}

function countedFile(bytes: Uint8Array): { file: ModelFile; bytes: () => number } {
  const file = memoryFile("unet/model.onnx", bytes);
  let count = 0;
  const read = async (offset = 0, length = file.size - offset) => {
    count += length;
    return file.read(offset, length);
  };
  return { file: { ...file, read }, bytes: () => count };
}

describe("weights beside a graph", () => {
  it("are found, once", async () => {
    const { externalFiles } = await open(outside.model, { "unet/model.onnx_data": outside.data });
    expect(externalFiles.map(({ location, file }) => [location, file.name])).toEqual([
      ["model.onnx_data", "unet/model.onnx_data"],
    ]);
  });

  it("are named as their file is, where a link calls it otherwise", async () => {
    const files = folder({ "unet/model.onnx_data": outside.data });
    const linked = {
      ...files,
      find: async (path: string) => {
        const file = await files.find(path);
        return file && { ...file, path: "/cache/blobs/4f1c0a" };
      },
    };
    const { externalFiles } = await openExportedGraph(memoryFile("unet/model.onnx", outside.model), linked);
    expect(externalFiles.map(({ location }) => location)).toEqual(["4f1c0a"]);
  });

  it.each([
    [
      "missing",
      {},
      "file-not-found",
      "unet/model.onnx keeps its weights in model.onnx_data, which is not in model/unet",
    ],
    [
      "cut short",
      { "unet/model.onnx_data": outside.data.subarray(0, 5000) },
      "invalid-checkpoint",
      /unet\/model.onnx_data: tensor \S+ ends at byte \d+, the file has only 5000; download it again/,
    ],
    [
      "a pointer",
      { "unet/model.onnx_data": "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n" },
      "invalid-checkpoint",
      "unet/model.onnx_data is only the pointer of a Git LFS file",
    ],
    ["empty", { "unet/model.onnx_data": "" }, "invalid-checkpoint", "unet/model.onnx_data: it is empty"],
  ])("are %s", async (_, beside, code, message) => {
    const error = await open(outside.model, beside as Record<string, Uint8Array>).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "LatentKitError", code });
    if (message instanceof RegExp) expect(String(error)).toMatch(message);
    else expect(String(error)).toContain(message);
  });

  it("do not lead out of the folder", async () => {
    const { model } = await exportOf(unet, { ...optimum.unet, dataFile: "../secret" });
    await expect(open(model, { secret: outside.data })).rejects.toMatchObject({ code: "file-not-found" });
  });
});

describe("what is no ONNX model", () => {
  it.each([
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", 'run "git lfs pull"'],
    ["a web page", "<!DOCTYPE html>\n<html></html>", "it is a web page, no ONNX model"],
    ["empty", "", "it is empty"],
    ["text", "Entry not found", /begins no field|ends at byte|no ONNX model/],
    ["zeros", new Uint8Array(4096), "byte 0 begins no field of an ONNX model"],
    [
      "cut short",
      inside.model.subarray(0, 20_000),
      /a field ends at byte \d+, the file has only 20000; download it again/,
    ],
    ["cut in a key", inside.model.subarray(0, 1), /ends in the middle|no ONNX model/],
  ])("%s is refused", async (_, bytes, message) => {
    const error = await open(bytes).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "LatentKitError", code: "invalid-checkpoint" });
    if (message instanceof RegExp) expect(String(error)).toMatch(message);
    else expect(String(error)).toContain(message);
  });

  it("ONNX Runtime's own format is refused", async () => {
    const bytes = new TextEncoder().encode("\0\0\0\0ORTM and so on");
    await expect(open(bytes)).rejects.toMatchObject({ code: "unsupported-model" });
  });
});
