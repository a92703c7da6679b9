import { silu } from "./activation.js";
import { add } from "./arithmetic.js";
import type { Checkpoint } from "./checkpoint.js";
import { conv2d } from "./conv2d.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import type { GraphOptions } from "./graph-options.js";
import { finish, type Network } from "./network.js";
import { groupNorm } from "./normalization.js";
import { resnetBlock } from "./resnet-block.js";
import { sinusoid, timestepEmbedding } from "./timestep-embedding.js";
import { transformer2d } from "./transformer-2d.js";
import type { UNet2DConditionConfig, UNetBlock } from "./unet-2d-condition-config.js";
import { downsampler, downWay, upWay } from "./unet-way.js";
import { upsampler } from "./upsample.js";
import { Weights } from "./weights.js";

/** What every block of one UNet shares. */
interface Conditioning {
  readonly config: UNet2DConditionConfig;
  /** The timestep's embedding after its activation, `[1 or B, width]`. */
  readonly time: GraphValue;
  /** The text, `[B, length, width]`. */
  readonly context: GraphValue;
}

/**
 * The text-conditional UNet (Rombach et al. 2022, §3.3; Diffusers' `UNet2DConditionModel`).
 *
 * Inputs: `sample` `[batch, channels, height, width]`, `timestep` float32 `[1 or batch]`, `encoder_hidden_states`
 * `[batch, length, width]`; where the configuration asks for them `timestep_cond` `[batch, width]`, `class_labels` int64 `[batch]`,
 * `text_embeds` `[batch, width]` and `time_ids` `[batch, 5 or 6]`. Output: `out_sample`, of the sample's height and width.
 */
export function unet2dCondition(
  checkpoint: Checkpoint,
  config: UNet2DConditionConfig,
  options?: GraphOptions,
): Network {
  const g = new GraphBuilder("unet-2d-condition", options);
  const w = new Weights(checkpoint);
  const sample = g.floatInput("sample", ["batch", config.inChannels, "height", "width"]);
  const time = timeEmbedding(g, w, config);
  const context = g.floatInput("encoder_hidden_states", ["batch", "length", config.crossAttentionDim]);
  const conditioning: Conditioning = { config, time, context };

  const skips = [conv2d(g, w.at("conv_in"), sample, { outChannels: config.downBlocks[0]!.channels })];
  for (const [i, block] of config.downBlocks.entries())
    skips.push(...downBlock(g, w.at(`down_blocks.${i}`), skips.at(-1)!, block, i, conditioning));

  let h = midBlock(g, w.at("mid_block"), skips.at(-1)!, conditioning);
  for (const [i, block] of config.upBlocks.entries())
    h = upBlock(g, w.at(`up_blocks.${i}`), h, skips, block, i, conditioning);

  const normed = silu(g, groupNorm(g, w.at("conv_norm_out"), h, config.normGroups, config.normEpsilon));
  g.output("out_sample", conv2d(g, w.at("conv_out"), normed, { outChannels: config.outChannels }));
  return finish(g, w);
}

/** The timestep, and whatever else the network is told about the whole picture, as one vector. */
function timeEmbedding(g: GraphBuilder, w: Weights, config: UNet2DConditionConfig): GraphValue {
  const timestep = g.node("Unsqueeze", [g.input("timestep", "float32", ["steps"]), g.constant("int64", [1])], {
    shape: ["steps", 1],
  });
  const guidance =
    config.timeCondProjDim === undefined ? undefined : g.floatInput("timestep_cond", ["batch", config.timeCondProjDim]);
  const embedding = timestepEmbedding(
    g,
    w.at("time_embedding"),
    sinusoid(g, timestep, config.downBlocks[0]!.channels, config),
    timeWidth(config),
    guidance,
  );
  const others = [classEmbedding(g, w, config), textTimeEmbedding(g, w, config)].filter((value) => value !== undefined);
  return silu(
    g,
    others.reduce((sum, other) => add(g, other, sum), embedding),
  );
}

/** Width of the vector that tells every block the timestep. */
const timeWidth = (config: UNet2DConditionConfig): number => 4 * config.downBlocks[0]!.channels;

function classEmbedding(g: GraphBuilder, w: Weights, config: UNet2DConditionConfig): GraphValue | undefined {
  if (config.classEmbeddings === undefined) return undefined;
  const width = timeWidth(config);
  const table = g.weight(w.at("class_embedding").tensor("weight", [config.classEmbeddings, width]));
  return g.node("Gather", [table, g.input("class_labels", "int64", ["batch"])], { shape: ["batch", width] });
}

/** SDXL's pooled text beside its sizes and crop (Podell et al. 2023, §2.2). */
function textTimeEmbedding(g: GraphBuilder, w: Weights, config: UNet2DConditionConfig): GraphValue | undefined {
  if (!config.textTime) return undefined;
  const { timeEmbedDim, inputDim } = config.textTime;
  const text = g.input("text_embeds", "float32", ["batch", "text_width"]);
  const ids = g.node("Unsqueeze", [g.input("time_ids", "float32", ["batch", "ids"]), g.constant("int64", [2])], {
    shape: ["batch", "ids", 1],
  });
  const waves = g.node("Flatten", [sinusoid(g, ids, timeEmbedDim, config)], {
    attributes: { axis: 1 },
    shape: ["batch", "waves"],
  });
  const joined = g.node("Concat", [text, waves], { attributes: { axis: 1 }, shape: ["batch", inputDim] });
  return timestepEmbedding(g, w.at("add_embedding"), joined, timeWidth(config));
}

/** Residual blocks, each followed by its transformers, then half the size. Returns every hidden state on the way. */
function downBlock(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  block: UNetBlock,
  index: number,
  conditioning: Conditioning,
): GraphValue[] {
  const { layersPerBlock, downBlocks, downsamplePadding } = conditioning.config;
  const smaller = (h: GraphValue) => downsampler(g, w.at("downsamplers.0"), h, downsamplePadding);
  const isLast = index === downBlocks.length - 1;
  const layers = layersPerBlock[index]!;
  return downWay(x, layers, (h, j) => layer(g, w, h, j, block, conditioning), isLast ? undefined : smaller);
}

/** One residual block and its transformers. */
function layer(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  j: number,
  block: UNetBlock,
  { config, time, context }: Conditioning,
): GraphValue {
  const resnet = { groups: config.normGroups, epsilon: config.normEpsilon, time, outChannels: block.channels };
  const h = resnetBlock(g, w.at(`resnets.${j}`), x, resnet);
  if (block.transformerLayers === 0) return h;
  return transformer2d(g, w.at(`attentions.${j}`), h, transformerOptions(block, config, context));
}

function transformerOptions(block: UNetBlock, config: UNet2DConditionConfig, context: GraphValue) {
  const { heads, transformerLayers, onlyCrossAttention } = block;
  return { heads, layers: transformerLayers, onlyCrossAttention, groups: config.normGroups, context };
}

function midBlock(g: GraphBuilder, w: Weights, x: GraphValue, { config, time, context }: Conditioning): GraphValue {
  const { midBlock, normGroups: groups, normEpsilon: epsilon, midBlockScale: outputScale } = config;
  const resnet = (name: string, value: GraphValue) =>
    resnetBlock(g, w.at(name), value, { groups, epsilon, time, outputScale });
  const attended = transformer2d(
    g,
    w.at("attentions.0"),
    resnet("resnets.0", x),
    transformerOptions(midBlock, config, context),
  );
  return resnet("resnets.1", attended);
}

/** Residual blocks over the state and the way down's state of the same size, then twice the size. Takes its states off `skips`. */
function upBlock(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  skips: GraphValue[],
  block: UNetBlock,
  index: number,
  conditioning: Conditioning,
): GraphValue {
  const layers = conditioning.config.layersPerBlock.at(-1 - index)! + 1;
  const larger = (h: GraphValue, like: GraphValue) => upsampler(g, w.at("upsamplers.0"), h, like);
  return upWay(g, x, skips, layers, (h, j) => layer(g, w, h, j, block, conditioning), larger);
}
