import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor } from "@latentkit/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { onnxruntimeNode } from "./node.js";
import { toyModel } from "./onnx-bytes.js";
import { storedInFunction } from "./stored-function.js";
import { memoryFile } from "./toy-networks.js";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "latentkit-"));
  await writeFile(join(folder, "disk.bin"), new Uint8Array(Float32Array.of(0, 10, 20).buffer));
});
afterAll(() => rm(folder, { recursive: true }));

/** y = x · a + b, with `a` in one file and `b` in another, each after four bytes of something else. */
const graph = toyModel({
  inputs: [{ name: "x", type: "float32", shape: ["n", 2] }],
  outputs: [{ name: "y", type: "float32", shape: ["n", 2] }],
  nodes: [
    ["Mul", ["x", "a"], "product"],
    ["Add", ["product", "b"], "y"],
  ],
  constants: [
    { name: "a", shape: [2], values: { location: "disk.bin", offset: 4, length: 8 } },
    { name: "b", shape: [1, 2], values: { location: "made.bin", offset: 4, length: 8 } },
  ],
});

it.each([
  ["on this thread", { worker: false }],
  ["on another thread", { worker: true }],
  ["when nothing is optimised", { worker: false, sessionOptions: { graphOptimizationLevel: "disabled" } }],
] as const)("lets a network take some weights from a folder and others from memory, %s", async (_, options) => {
  const backend = await onnxruntimeNode({ device: "cpu", ...options });
  const made = memoryFile("made.bin", new Uint8Array(Float32Array.of(0, 1, 2).buffer));
  const disk = { ...memoryFile("disk.bin", new Uint8Array(12)), path: join(folder, "disk.bin") };
  const read = () => Promise.reject(new Error("a mapped file is not read"));
  const session = await backend.createSession({
    graph,
    externalFiles: [
      { location: "disk.bin", file: { ...disk, read } },
      { location: "made.bin", file: made },
    ],
  });
  expect(session.inputs).toEqual([{ name: "x", type: "float32", shape: ["n", 2] }]);
  const { y } = await session.run({ x: tensor(Float32Array.of(1, 2, 3, 4), [2, 2]) });
  await session.dispose();
  expect([...(y?.data ?? [])]).toEqual([11, 42, 31, 82]);
});

it("leaves a model alone that has none of the files", () => {
  expect(storedInFunction(graph, new Set(["other.bin"]))).toEqual(graph);
});
