import { floatToHalf, halfToFloat, tensor, torchRandom } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { memoryFile } from "../../../tests/memory-files.js";
import { safetensorsBytes } from "../../../tests/safetensors-bytes.js";
import { openCheckpointFile } from "./checkpoint.js";
import { GraphBuilder } from "./graph-builder.js";
import { linear } from "./linear.js";
import { packMatrix } from "./pack-matrix.js";
import { packingOf } from "./packing.js";
import { blockSizes, type Quantization } from "./quantization.js";
import { Weights } from "./weights.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });

/** What the packed integers stand for. */
function unpacked(weights: Float32Array, columns: number, quantization: Quantization): Float32Array {
  const { bits, blockSize = 32 } = quantization;
  const { values, scales } = packMatrix(weights, columns, { bits, blockSize });
  const blocks = Math.ceil(columns / blockSize);
  return weights.map((_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const at = row * blocks * blockSize + column;
    const byte = values[bits === 8 ? at : at >> 1]!;
    const stored = bits === 8 ? byte - 128 : (at % 2 === 0 ? byte & 15 : byte >> 4) - 8;
    return stored * scales[row * blocks + Math.floor(column / blockSize)]!;
  });
}

describe("a packed matrix", () => {
  it.each([
    [{ bits: 8 }, 0.5 / 128],
    [{ bits: 4 }, 0.5 / 8],
    [{ bits: 4, blockSize: 128 }, 0.5 / 8],
  ] as const)(
    "%j is within half a step of its block's largest weight, the opposite end within one",
    (quantization, step) => {
      const { data } = torchRandom(1).normal([3, 200]);
      const back = unpacked(data, 200, quantization);
      const { blockSize = 32 }: Quantization = quantization;
      data.forEach((weight, i) => {
        const block = data
          .slice(i - ((i % 200) % blockSize))
          .slice(0, Math.min(blockSize, 200 - (i % 200) + ((i % 200) % blockSize)));
        const largest = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        expect(Math.abs(back[i]! - weight)).toBeLessThanOrEqual(2 * step * largest * 1.0001);
      });
      const mean = data.reduce((sum, weight, i) => sum + Math.abs(back[i]! - weight), 0) / data.length;
      expect(mean).toBeLessThan(step * 3);
    },
  );

  it("keeps the largest weight of a block exactly, whichever its sign", () => {
    const weights = Float32Array.of(0.1, -0.75, 0.3, 0.2, 1.5, -0.1, 0, 1);
    const back = unpacked(weights, 4, { bits: 4, blockSize: 16 });
    expect([back[1], back[4]]).toEqual([-0.75, 1.5]);
  });

  it("keeps zeros, also where a row is filled up", () => {
    const { values, scales } = packMatrix(new Float32Array(6), 3, { bits: 4, blockSize: 16 });
    expect(scales.every((scale) => scale === 0)).toBe(true);
    expect(values).toEqual(new Uint8Array(16).fill(0x88));
    const bytes = packMatrix(Float32Array.of(-1, 2, 0.5), 3, { bits: 8, blockSize: 16 }).values;
    expect([...bytes]).toEqual([192, 0, 96, ...new Array(13).fill(128)]);
  });

  it("rounds its scales first, where they are stored as float16", () => {
    const weights = torchRandom(2).normal([1, 32]).data;
    const round = (scales: Float32Array) => halfToFloat(floatToHalf(scales));
    const { scales } = packMatrix(weights, 32, { bits: 8, blockSize: 32 }, round);
    expect(scales).toEqual(round(scales));
  });

  it("shows NaN, and does not hide it", () => {
    const { scales } = packMatrix(Float32Array.of(1, Number.NaN, 2), 3, { bits: 8, blockSize: 32 });
    expect(scales[0]).toBeNaN();
  });
});

describe("a Linear layer with packed weights", () => {
  const widths = [64, 40, 5, 77];
  const cases = widths.flatMap((columns) => blockSizes.map((blockSize) => ({ columns, blockSize })));

  it.each(cases)(
    "of $columns features in blocks of $blockSize gives what its weights stand for",
    async ({ columns, blockSize }) => {
      for (const bits of [4, 8] as const) {
        // activations are rounded to 8 bits as well, which is exact for integers with 127 in each block
        const rows = 6;
        const weights = torchRandom(3).normal([rows, columns]).data;
        const x = torchRandom(4)
          .uniform([3, columns])
          .data.map((value, i) => ((i % columns) % 16 === 0 ? 127 : Math.round(254 * value - 127)));
        const quantization = { bits, blockSize };
        const back = unpacked(weights, columns, quantization);
        const found = await product(weights, columns, quantization, x);
        found.forEach((value, i) => {
          const [item, row] = [Math.floor(i / rows), i % rows];
          let expected = 0;
          for (let k = 0; k < columns; k++) expected += x[item * columns + k]! * back[row * columns + k]!;
          expect(Math.abs(value - expected)).toBeLessThan(2e-3);
        });
      }
    },
  );
});

it.each([
  [{ bits: 5 }, "bits: expected 4 or 8, got 5"],
  [{ bits: 4, blockSize: 10 }, "blockSize: expected one of 16, 32, 64, 128, 256, got 10"],
])("refuses %j", async (quantization, message) => {
  // @ts-expect-error: for callers without types
  await expect(packingOf(quantization)).rejects.toThrow(new RangeError(message));
});

/** x·Wᵀ by ONNX Runtime, the rows of W in two parts as the gates of feed-forward layers are. */
async function product(
  weights: Float32Array,
  columns: number,
  quantization: Quantization,
  x: Float32Array,
): Promise<Float32Array> {
  const rows = weights.length / columns;
  const header = { "l.weight": { dtype: "F32", shape: [rows, columns], data_offsets: [0, weights.byteLength] } };
  const bytes = safetensorsBytes(header, new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength));
  const w = new Weights(await openCheckpointFile(memoryFile("w.safetensors", bytes))).at("l");
  const g = new GraphBuilder("linear", { packing: await packingOf(quantization) });
  const input = g.input("x", "float32", ["n", columns]);
  const half = rows / 2;
  const part = (from: number) => linear(g, w, input, { outFeatures: rows, bias: false, rows: [from, from + half] });
  const joined = g.node("Concat", [part(0), part(half)], { attributes: { axis: 1 }, shape: ["n", rows] });
  g.output("y", joined);
  const session = await backend.createSession(g.build());
  const { y } = await session.run({ x: tensor(Float32Array.from(x), [x.length / columns, columns]) });
  await session.dispose();
  if (!(y?.data instanceof Float32Array)) throw new TypeError("no y");
  return y.data;
}
