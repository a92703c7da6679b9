import { elementTypes } from "@latentkit/core";
import { silu } from "./activation.js";
import { add, cast, concatenate, fixedAxis, numberLike, scale } from "./arithmetic.js";
import type { Checkpoint } from "./checkpoint.js";
import { conv2d } from "./conv2d.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import type { GraphOptions } from "./graph-options.js";
import { finish, type Network } from "./network.js";
import { groupNorm } from "./normalization.js";
import { pixelAttention } from "./pixel-attention.js";
import { averagePool } from "./pooling.js";
import { resnetBlock } from "./resnet-block.js";
import { sinusoid, timestepEmbedding } from "./timestep-embedding.js";
import type { UNet2DBlock, UNet2DConfig } from "./unet-2d-config.js";
import { downsampler, downWay, upWay } from "./unet-way.js";
import { upsampleLike, upsampler } from "./upsample.js";
import { Weights } from "./weights.js";

/** What every block of one UNet shares. */
interface Conditioning {
  readonly config: UNet2DConfig;
  /** The timestep's embedding after its activation, `[1 or B, width]`. */
  readonly time: GraphValue;
}

/**
 * The UNet without text (Ho et al. 2020, appendix B; Dhariwal & Nichol 2021, §3; Diffusers' `UNet2DModel`).
 *
 * Inputs: `sample` `[batch, channels, height, width]`, `timestep` float32 `[1 or batch]`, and `class_labels` where the
 * configuration asks for them: int64 `[batch]`, or float32 where labels are embedded as timesteps are.
 * Output: `out_sample`, of the sample's height and width.
 */
export function unet2d(checkpoint: Checkpoint, config: UNet2DConfig, options?: GraphOptions): Network {
  const g = new GraphBuilder("unet-2d", options);
  const w = new Weights(checkpoint);
  const sample = g.floatInput("sample", ["batch", config.inChannels, "height", "width"]);
  const timestep = g.input("timestep", "float32", ["steps"]);
  const conditioning: Conditioning = { config, time: timeEmbedding(g, w, config, timestep) };

  const skips = [
    conv2d(g, w.at("conv_in"), centered(g, sample, config), { outChannels: config.downBlocks[0]!.channels }),
  ];
  for (const [i, block] of config.downBlocks.entries())
    skips.push(...downBlock(g, w.at(`down_blocks.${i}`), skips.at(-1)!, block, i, conditioning));

  let h = midBlock(g, w.at("mid_block"), skips.at(-1)!, conditioning);
  for (const [i, block] of config.upBlocks.entries())
    h = upBlock(g, w.at(`up_blocks.${i}`), h, skips, block, conditioning);

  const normed = silu(g, groupNorm(g, w.at("conv_norm_out"), h, config.normGroups, config.normEpsilon));
  const out = conv2d(g, w.at("conv_out"), normed, { outChannels: config.outChannels });
  g.output("out_sample", config.timeEmbedding === "fourier" ? perNoiseLevel(g, out, timestep) : out);
  return finish(g, w);
}

/** From [0, 1] to [-1, 1], for networks trained so. */
function centered(g: GraphBuilder, sample: GraphValue, { centerInput }: UNet2DConfig): GraphValue {
  return centerInput ? add(g, scale(g, sample, 2), numberLike(g, sample, -1)) : sample;
}

/** Networks told the noise level by its logarithm predict the score: the noise over its level (Song et al. 2021). */
function perNoiseLevel(g: GraphBuilder, x: GraphValue, timestep: GraphValue): GraphValue {
  const level = g.node("Unsqueeze", [timestep, g.constant("int64", [1, 2, 3])], { shape: ["steps", 1, 1, 1] });
  return g.node("Div", [cast(g, x, "float32"), level], { shape: x.shape });
}

/** The timestep, and the class where there is one, as one vector. */
function timeEmbedding(g: GraphBuilder, w: Weights, config: UNet2DConfig, timestep: GraphValue): GraphValue {
  const width = config.timeEmbeddingDim;
  const embedding = timestepEmbedding(g, w.at("time_embedding"), timeWaves(g, w, config, timestep), width);
  const label = classEmbedding(g, w, config);
  return silu(g, label ? add(g, label, embedding) : embedding);
}

/** `[steps]` as `[steps, features]`. */
function timeWaves(g: GraphBuilder, w: Weights, config: UNet2DConfig, timestep: GraphValue): GraphValue {
  const channels = config.downBlocks[0]!.channels;
  const steps = timestep.shape[0] ?? "steps";
  if (config.timeEmbedding === "learned") {
    const table = g.weight(w.at("time_proj").tensor("weight", [config.trainTimesteps ?? null, channels]));
    const rows = { attributes: { to: elementTypes.int64 }, type: "int64", shape: [steps] } as const;
    return g.node("Gather", [table, g.node("Cast", [timestep], rows)], { shape: [steps, channels] });
  }
  const column = g.node("Unsqueeze", [timestep, g.constant("int64", [1])], { shape: [steps, 1] });
  if (config.timeEmbedding === "positional") return sinusoid(g, column, channels, config);
  return fourierWaves(g, w.at("time_proj"), column, channels);
}

/** sin and cos of 2π·ln(t)·ω with random frequencies ω (Tancik et al. 2020; Diffusers' `GaussianFourierProjection`). t: `[steps, 1]` */
function fourierWaves(g: GraphBuilder, w: Weights, t: GraphValue, channels: number): GraphValue {
  const frequencies = g.weight(w.tensor("weight", [channels]), { type: "float32" });
  const shape = [t.shape[0] ?? "steps", channels];
  const logarithm = g.node("Log", [t], { shape: t.shape });
  const phase = scale(g, g.node("Mul", [logarithm, frequencies], { shape }), 2 * Math.PI);
  return concatenate(g, [g.node("Sin", [phase], { shape }), g.node("Cos", [phase], { shape })], -1);
}

function classEmbedding(g: GraphBuilder, w: Weights, config: UNet2DConfig): GraphValue | undefined {
  const { classEmbeddings, timeEmbeddingDim: width } = config;
  if (classEmbeddings === undefined) return undefined;
  const module = w.at("class_embedding");
  if (classEmbeddings === "timestep")
    return timestepEmbedding(g, module, timeWaves(g, w, config, g.input("class_labels", "float32", ["batch"])), width);
  const table = g.weight(module.tensor("weight", [classEmbeddings, width]));
  return g.node("Gather", [table, g.input("class_labels", "int64", ["batch"])], { shape: ["batch", width] });
}

/** One residual block, and its attention where the resolution has any. */
function layer(g: GraphBuilder, w: Weights, x: GraphValue, j: number, block: UNet2DBlock, shared: Conditioning) {
  const { normGroups: groups, normEpsilon: epsilon } = shared.config;
  const h = resnetBlock(g, w.at(`resnets.${j}`), x, resnetOptions(shared, block.channels));
  return block.heads === 0 ? h : pixelAttention(g, w.at(`attentions.${j}`), h, { heads: block.heads, groups, epsilon });
}

function resnetOptions({ config, time }: Conditioning, outChannels: number) {
  const { normGroups: groups, normEpsilon: epsilon, timeScaleShift } = config;
  return { groups, epsilon, time, timeScaleShift, outChannels };
}

function downBlock(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  block: UNet2DBlock,
  index: number,
  shared: Conditioning,
): GraphValue[] {
  const { layersPerBlock, downBlocks, downsamplePadding } = shared.config;
  const name = w.at("downsamplers.0");
  const resize = (value: GraphValue) => averagePool(g, value);
  const smaller = (h: GraphValue) =>
    block.resnetResize
      ? resnetBlock(g, name, h, { ...resnetOptions(shared, block.channels), resize })
      : downsampler(g, name, h, downsamplePadding);
  const isLast = index === downBlocks.length - 1;
  return downWay(x, layersPerBlock, (h, j) => layer(g, w, h, j, block, shared), isLast ? undefined : smaller);
}

function upBlock(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  skips: GraphValue[],
  block: UNet2DBlock,
  shared: Conditioning,
): GraphValue {
  const name = w.at("upsamplers.0");
  const larger = (h: GraphValue, like: GraphValue) => {
    const resize = (value: GraphValue) => upsampleLike(g, value, like);
    return block.resnetResize
      ? resnetBlock(g, name, h, { ...resnetOptions(shared, block.channels), resize })
      : upsampler(g, name, h, { like });
  };
  const layers = shared.config.layersPerBlock + 1;
  return upWay(g, x, skips, layers, (h, j) => layer(g, w, h, j, block, shared), larger);
}

function midBlock(g: GraphBuilder, w: Weights, x: GraphValue, shared: Conditioning): GraphValue {
  // some networks have no middle
  if (!w.has("resnets.0")) return x;
  const { midHeads: heads, midNormGroups: groups, normEpsilon: epsilon, midBlockScale: outputScale } = shared.config;
  const options = { ...resnetOptions(shared, fixedAxis(x.shape, 1)), outputScale };
  const h = resnetBlock(g, w.at("resnets.0"), x, options);
  const attended =
    heads === 0 ? h : pixelAttention(g, w.at("attentions.0"), h, { heads, groups, epsilon, outputScale });
  return resnetBlock(g, w.at("resnets.1"), attended, options);
}
