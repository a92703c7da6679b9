import { type Tensor, tensor, torchRandom } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { memoryFile } from "../../../tests/memory-files.js";
import { safetensorsBytes } from "../../../tests/safetensors-bytes.js";
import { openCheckpointFile } from "./checkpoint.js";
import { conv2d } from "./conv2d.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import { type Operators, unfused } from "./operators.js";
import { operatorsFor } from "./operators-for.js";
import { upsampler } from "./upsample.js";
import { Weights } from "./weights.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });

/** A module called `conv` with normal weights. */
async function convolution(outChannels: number, inChannels: number): Promise<Weights> {
  const count = outChannels * inChannels * 9;
  const numbers = torchRandom(1).normal([count + outChannels]).data;
  const header = {
    "conv.weight": { dtype: "F32", shape: [outChannels, inChannels, 3, 3], data_offsets: [0, 4 * count] },
    "conv.bias": { dtype: "F32", shape: [outChannels], data_offsets: [4 * count, 4 * (count + outChannels)] },
  };
  const bytes = safetensorsBytes(header, new Uint8Array(numbers.buffer));
  return new Weights(await openCheckpointFile(memoryFile("w.safetensors", bytes)));
}

async function computed(build: (g: GraphBuilder) => GraphValue, operators: Operators, x: Tensor): Promise<Tensor> {
  const g = new GraphBuilder("convolution", { operators });
  g.output("y", build(g));
  const session = await backend.createSession(g.build());
  const { y } = await session.run({ x });
  await session.dispose();
  if (!(y?.data instanceof Float32Array)) throw new TypeError("no y");
  return tensor(y.data, y.shape);
}

/** The largest difference, over the largest value. */
function difference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  const largest = b.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0) / largest;
}

const sizes = [
  [8, 12],
  [7, 5],
  [1, 2],
  [9, 10],
  [3, 4],
] as const;
const cases = sizes.flatMap(([height, width]) => [1, 3].map((batch) => ({ height, width, batch })));

/** Rounding of F(4, 3) is about thirty times that of a sum (Lavin & Gray 2016, table 5). */
const limit = 2e-5;

const tiled = await operatorsFor("cpu");

describe("a 3×3 convolution by tiles is the convolution", () => {
  it.each(cases)("of $batch pictures of $height×$width", async ({ height, width, batch }) => {
    const w = (await convolution(112, 100)).at("conv");
    const x = torchRandom(2).normal([batch, 100, height, width]);
    const build = (g: GraphBuilder) =>
      conv2d(g, w, g.input("x", "float32", ["batch", 100, "height", "width"]), { outChannels: 112, tiled: true });
    const [found, expected] = [await computed(build, tiled, x), await computed(build, unfused, x)];
    expect(difference(found, expected)).toBeLessThan(limit);
  });

  it.each(cases)("of twice $height×$width", async ({ height, width, batch }) => {
    const w = await convolution(96, 96);
    const x = torchRandom(2).normal([batch, 96, height, width]);
    const build = (g: GraphBuilder) =>
      upsampler(g, w, g.input("x", "float32", ["batch", 96, "height", "width"]), { tiled: true });
    const [found, expected] = [await computed(build, tiled, x), await computed(build, unfused, x)];
    expect(difference(found, expected)).toBeLessThan(limit);
  });
});

describe("convolutions one by one", () => {
  const nodes = (w: Weights, options: ConstructorParameters<typeof GraphBuilder>[1], channels: number) => {
    const g = new GraphBuilder("convolution", options);
    conv2d(g, w.at("conv"), g.input("x", g.float, ["batch", channels, "height", "width"]), { tiled: true });
    return new TextDecoder("latin1").decode(g.build().graph);
  };

  it("stay where there are few channels, in half precision, and in standard ONNX", async () => {
    const [few, many] = [await convolution(64, 64), await convolution(96, 96)];
    expect(nodes(few, { operators: tiled }, 64)).not.toContain("ConvTranspose");
    expect(nodes(many, { operators: tiled, precision: "fp16" }, 96)).not.toContain("ConvTranspose");
    expect(nodes(many, { operators: unfused }, 96)).not.toContain("ConvTranspose");
    expect(nodes(many, { operators: tiled }, 96)).toContain("ConvTranspose");
  });
});
