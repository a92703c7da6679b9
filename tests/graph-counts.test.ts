// Counts that no machine changes: what the graphs of full-size networks hold. `npx vitest run tests/graph-counts.test.ts -u` writes them anew.
import {
  autoencoderKL,
  autoencoderKLConfig,
  fused,
  openCheckpointFile,
  unet2dCondition,
  unet2dConditionConfig,
  unfused,
} from "@latentkit/onnx";
import { PbfReader } from "pbf";
import { expect, it } from "vitest";
import { autoencoderTensors, type TensorTable, type UNetSizes, unetTensors } from "../benchmarks/tensor-table.js";
import { headerOnlyFile } from "./header-only-file.js";

const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const GRAPH_INITIALIZER = 5;
const NODE_OPERATOR = 4;

/** Nodes by operator, and the number of initializers. */
function countsOf(model: Uint8Array): Record<string, number> {
  const counts = new Map<string, number>();
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const readGraph = (tag: number, _: null, reader: PbfReader) => {
    if (tag === GRAPH_INITIALIZER) count("initializers");
    if (tag === GRAPH_NODE) count(reader.readMessage(readNode, { operator: "" }).operator);
  };
  new PbfReader(model).readFields((tag, _, reader) => {
    if (tag === MODEL_GRAPH) reader.readMessage(readGraph, null);
  }, null);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function readNode(tag: number, node: { operator: string }, reader: PbfReader): void {
  if (tag === NODE_OPERATOR) node.operator = reader.readString();
}

const checkpoint = (tensors: TensorTable) => openCheckpointFile(headerOnlyFile(Object.fromEntries(tensors)));

const sd = { channels: [320, 640, 1280, 1280], inChannels: 4, transformers: [1, 1, 1, 0] };
const networks: Readonly<Record<string, { readonly sizes: UNetSizes; readonly config: object }>> = {
  "Stable Diffusion 1.5": {
    sizes: { ...sd, crossAttentionDim: 768, linearProjection: false },
    config: { attention_head_dim: 8 },
  },
  "Stable Diffusion 2.1": {
    sizes: { ...sd, crossAttentionDim: 1024, linearProjection: true },
    config: { attention_head_dim: [5, 10, 20, 20], use_linear_projection: true },
  },
  "Stable Diffusion XL": {
    sizes: {
      channels: [320, 640, 1280],
      inChannels: 4,
      transformers: [0, 2, 10],
      crossAttentionDim: 2048,
      linearProjection: true,
      textTime: 2816,
    },
    config: {
      attention_head_dim: [5, 10, 20],
      down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
      up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
      transformer_layers_per_block: [1, 2, 10],
      use_linear_projection: true,
      addition_embed_type: "text_time",
      addition_time_embed_dim: 256,
      projection_class_embeddings_input_dim: 2816,
    },
  },
};

const cases = Object.entries(networks).flatMap(([name, network]) =>
  Object.entries({ fused, unfused }).map(([kind, operators]) => ({ name, kind, operators, ...network })),
);

it.each(cases)("the UNet of $name, $kind", async ({ sizes, config: own, operators }) => {
  const { channels, crossAttentionDim } = sizes;
  const config = unet2dConditionConfig({
    block_out_channels: channels,
    cross_attention_dim: crossAttentionDim,
    ...own,
  });
  const network = unet2dCondition(await checkpoint(unetTensors(sizes)), config, { operators });
  expect(network.unusedTensors).toEqual([]);
  expect(countsOf(network.graph)).toMatchSnapshot();
});

it.each(Object.entries({ fused, unfused }))("the decoder of the autoencoder, %s", async (_, operators) => {
  const blocks = (name: string) => new Array(4).fill(name);
  const config = autoencoderKLConfig({
    block_out_channels: [128, 256, 512, 512],
    layers_per_block: 2,
    down_block_types: blocks("DownEncoderBlock2D"),
    up_block_types: blocks("UpDecoderBlock2D"),
  });
  const { decoder } = autoencoderKL(await checkpoint(autoencoderTensors()), config, { operators });
  expect(countsOf(decoder.graph)).toMatchSnapshot();
});
