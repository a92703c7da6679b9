// Sizes that are worked out of a graph are those that ONNX Runtime tells while it runs, and operations follow from them.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GraphBuilder } from "@latentkit/onnx";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { graphCosts } from "../benchmarks/graph-costs.js";
import { type Stage, type StageNetwork, stageNetworks, type Variant } from "../benchmarks/network-stages.js";
import { feedsOf, openGraph } from "../benchmarks/open-network.js";
import { writeTensors } from "../benchmarks/random-tensors.js";
import { type AxisLengths, sizedGraph } from "../benchmarks/sized-graph.js";
import { unetTensors } from "../benchmarks/tensor-table.js";
import { writeJson } from "../benchmarks/write-text.js";
import { fixtures } from "./golden.js";

const axes: AxisLengths = { batch: 2, height: 6, width: 10 };

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "latentkit-"));
});
afterEach(() => rm(scratch, { recursive: true }));

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly args: { readonly op_name?: string; readonly output_type_shape?: readonly Record<string, number[]>[] };
}

/** What every node of a run gave, in any order. */
async function profiled({ folder, graph, axes }: StageNetwork): Promise<string[]> {
  const place = await mkdtemp(join(scratch, "profile-"));
  const options = { graphOptimizationLevel: "disabled", enableProfiling: true, logSeverityLevel: 4 } as const;
  const session = await openGraph(folder, graph, { ...options, profileFilePrefix: join(place, "run") });
  await session.run(feedsOf(session, axes));
  session.endProfiling();
  const [file = ""] = await readdir(place);
  const events: ProfileEvent[] = JSON.parse(await readFile(join(place, file), "utf8"));
  return events
    .filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time"))
    .map(({ args }) => `${args.op_name} ${args.output_type_shape?.flatMap(Object.values).map((shape) => `[${shape}]`)}`)
    .sort();
}

function workedOut({ graph, axes }: StageNetwork): string[] {
  const { nodes, values } = sizedGraph(graph, axes);
  return nodes
    .map(({ operator, outputs }) => `${operator} ${outputs.map((name) => `[${values.get(name)?.shape}]`)}`)
    .sort();
}

/** The networks of a stage, for latents that are not square. */
async function networksOf(folder: string, stage: Stage, variant: Variant): Promise<StageNetwork[]> {
  const request = { folder, stage, variant, device: "cpu", precision: "fp32", pixels: 64 } as const;
  const networks = await stageNetworks(request);
  return networks.map((network) => ({ ...network, axes: { ...network.axes, height: 6, width: 10 } }));
}

describe("sizes", () => {
  const stages: readonly Stage[] = ["text", "step", "decode"];
  const cases = ["tiny-sd", "tiny-sdxl"].flatMap((folder) =>
    stages.flatMap((stage) => (["ours", "unfused"] as const).map((variant) => ({ folder, stage, variant }))),
  );

  it.each(cases)("of $folder, $stage, $variant", async ({ folder, stage, variant }) => {
    for (const network of await networksOf(`${fixtures}pipelines/${folder}`, stage, variant))
      expect(workedOut(network)).toEqual(await profiled(network));
  });

  it("of convolutions by tiles", async () => {
    const channels = [96, 128];
    const sizes = { channels, inChannels: 4, transformers: [1, 0], crossAttentionDim: 16, linearProjection: false };
    await writeTensors(join(scratch, "unet/diffusion_pytorch_model.safetensors"), unetTensors(sizes));
    await writeJson(join(scratch, "unet/config.json"), {
      block_out_channels: channels,
      cross_attention_dim: 16,
      down_block_types: ["CrossAttnDownBlock2D", "DownBlock2D"],
      up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D"],
    });
    const [network] = await networksOf(scratch, "step", "ours");
    expect(workedOut(network!)).toEqual(await profiled(network!));
    expect(workedOut(network!).join()).toContain("ConvTranspose");
  });
});

describe("costs", () => {
  /** What a graph of two inputs costs: `x` `[batch, 4, height, width]` and `w`. */
  function costs(build: (g: GraphBuilder) => void) {
    const g = new GraphBuilder("costs");
    build(g);
    return graphCosts(g.build().graph, axes);
  }

  it("count multiplications with additions", () => {
    const matrices = costs((g) => {
      const x = g.input("x", "float32", ["batch", "height", "width"]);
      const w = g.input("w", "float32", [7, 10]);
      const attributes = { transB: 1 };
      g.output(
        "y",
        g.node("FusedMatMul", [x, w], { domain: "com.microsoft", attributes, shape: ["batch", "height", 7] }),
      );
    });
    expect(matrices.multiplyAdds).toBe(2 * 6 * 10 * 7);
    const convolution = costs((g) => {
      const x = g.input("x", "float32", ["batch", 4, "height", "width"]);
      const w = g.input("w", "float32", [5, 4, 3, 3]);
      const attributes = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
      g.output("y", g.node("Conv", [x, w], { attributes, shape: ["batch", 5, "height/2", "width/2"] }));
    });
    expect(convolution.multiplyAdds).toBe(2 * 5 * 3 * 5 * (4 * 9));
    const attention = costs((g) => {
      const [q, k, v] = ["height", "width", "width"].map((length, i) =>
        g.input("qkv"[i]!, "float32", ["batch", length, 8]),
      );
      const attributes = { num_heads: 2 };
      g.output("y", g.node("MultiHeadAttention", [q, k, v], { domain: "com.microsoft", attributes, shape: q!.shape }));
    });
    expect(attention.multiplyAdds).toBe(2 * (2 * 6 * 10 * 8));
  });

  it("count bytes that are there at the same time, those of views once", () => {
    const { activationBytes, weightBytes, multiplyAdds } = costs((g) => {
      const x = g.input("x", "float32", ["batch", "height"]);
      const half = g.constant("float32", [0.5]);
      const a = g.node("Mul", [x, half], { shape: x.shape });
      const flat = g.node("Reshape", [a, g.constant("int64", [-1])], { shape: ["all"] });
      const b = g.node("Sin", [flat], { shape: ["all"] });
      g.output("y", g.node("Cos", [b], { shape: ["all"] }));
    });
    // of three results of 2×6 numbers, two at a time
    expect({ activationBytes, weightBytes, multiplyAdds }).toEqual({
      activationBytes: 2 * 4 * 12,
      weightBytes: 4 + 8,
      multiplyAdds: 0,
    });
  });

  it("leave out what is computed while a network opens", () => {
    const folded = costs((g) => {
      const x = g.input("x", "float32", ["batch", 2]);
      const [a, b] = [g.constant("float32", [1, 2, 3, 4], [2, 2]), g.constant("float32", [5, 6], [2, 1])];
      const product = g.node("MatMul", [a, b], { shape: [2, 1] });
      g.output("y", g.node("MatMul", [x, product], { shape: ["batch", 1] }));
    });
    expect(folded).toEqual({ multiplyAdds: 4, weightBytes: 8, activationBytes: 8 });
  });

  it("name what they do not know", () => {
    const graph = (operator: string) => {
      const g = new GraphBuilder("unknown");
      g.output("y", g.node(operator, [g.input("x", "float32", ["rows"])], { shape: ["rows"] }));
      return g.build().graph;
    };
    expect(() => graphCosts(graph("Sin"), axes)).toThrow(
      "axes: expected the length of rows, got that of batch, height, width",
    );
    expect(() => graphCosts(graph("Magic"), { rows: 3 })).toThrow(/^operator: expected one of Add, .*, got Magic$/);
  });
});
