import type { ModelFile } from "@latentkit/core";
import { expect, it } from "vitest";
import { onnxruntimeNode } from "./node.js";
import { type ToyConstant, toyModel } from "./onnx-bytes.js";
import { linearWithFile, memoryFile } from "./toy-networks.js";
import { packWeights } from "./web-weights.js";

/** A graph that passes constants of one row on, and a file with 1, 2, 3, … as float32. */
function constants(count: number, ranges: readonly (readonly [offset: number, length: number])[], location = "w") {
  const bytes = new Uint8Array(Float32Array.from({ length: count }, (_, i) => i + 1).buffer);
  const graph = toyModel({
    inputs: [],
    outputs: ranges.map(([, length], i) => ({ name: `y${i}`, type: "float32", shape: [length] })),
    nodes: ranges.map((_, i) => ["Identity", [`w${i}`], `y${i}`]),
    constants: ranges.map(
      ([offset, length], i): ToyConstant => ({
        name: `w${i}`,
        shape: [length],
        values: { location, offset: 4 * offset, length: 4 * length },
      }),
    ),
  });
  return { graph, bytes };
}

/** A file that notes what is read of it. */
function noted(file: ModelFile): { readonly file: ModelFile; readonly reads: string[] } {
  const reads: string[] = [];
  const read = (offset = 0, length = file.size) => {
    reads.push(`${offset}+${length}`);
    return file.read(offset, length);
  };
  return { file: { ...file, read }, reads };
}

it("reads only what the graph points to, neighbours together and each once", async () => {
  const { graph, bytes } = constants(1000, [
    [900, 2],
    [10, 3],
    [13, 1],
    [10, 3],
  ]);
  const { file, reads } = noted(memoryFile("w", bytes));
  const packed = await packWeights({ graph, externalFiles: [{ location: "w", file }] });
  expect(reads).toEqual(["40+16", "3600+8"]);
  expect(packed.files.map(({ path, data }) => [path, data.length])).toEqual([["weights-0", 24]]);

  const backend = await onnxruntimeNode({ device: "cpu" });
  const externalFiles = packed.files.map(({ path, data }) => ({ location: path, file: memoryFile(path, data) }));
  const session = await backend.createSession({ graph: packed.graph, externalFiles });
  const results = await session.run({});
  expect(Object.values(results).map(({ data }) => [...data])).toEqual([[901, 902], [11, 12, 13], [14], [11, 12, 13]]);
  await session.dispose();
});

it("refuses a file that ends too early", async () => {
  const { graph, bytes } = linearWithFile("w");
  const file = memoryFile("unet/w.safetensors", bytes.subarray(0, 50));
  await expect(packWeights({ graph, externalFiles: [{ location: "w", file }] })).rejects.toMatchObject({
    code: "invalid-checkpoint",
    message: "unet/w.safetensors: weights end at byte 64, the file has 50; download it again",
  });
});

it("leaves a graph without files as it is", async () => {
  const graph = Uint8Array.of(1, 2, 3);
  expect(await packWeights({ graph, externalFiles: [] })).toEqual({ graph, files: [] });
});
