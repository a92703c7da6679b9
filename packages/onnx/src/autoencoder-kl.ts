import type { ModelGraph } from "@latentkit/core";
import { silu } from "./activation.js";
import { numberLike } from "./arithmetic.js";
import type { Checkpoint } from "./checkpoint.js";
import { ConfigReader } from "./config-reader.js";
import { conv2d } from "./conv2d.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import type { GraphOptions } from "./graph-options.js";
import { groupNorm } from "./normalization.js";
import { pixelAttention } from "./pixel-attention.js";
import { resnetBlock } from "./resnet-block.js";
import { upsampler } from "./upsample.js";
import { Weights } from "./weights.js";

/** What shapes an autoencoder (`vae/config.json`). */
export interface AutoencoderKLConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  readonly blockOutChannels: readonly number[];
  readonly layersPerBlock: number;
  readonly normGroups: number;
  readonly midBlockAttention: boolean;
  readonly quantConv: boolean;
  readonly postQuantConv: boolean;
  /** Side of the pictures it was trained on, and of the tiles that large ones are cut into. */
  readonly sampleSize: number | undefined;
  /** Its activations leave float16's range (SDXL's do), so that it is computed in float32 whatever the others are. */
  readonly forceUpcast: boolean;
  /** The pipelines' latents are (z − shift) · scaling. */
  readonly scalingFactor: number;
  readonly shiftFactor: number;
}

/** Both halves of an autoencoder, and the tensors that neither takes. */
export interface Autoencoder {
  /** Input `sample` `[batch, 3, height, width]`; outputs `mean` and `logvar` `[batch, latent, height / f, width / f]`. */
  readonly encoder: ModelGraph;
  /** Input `latent_sample` `[batch, latent, height, width]`; output `sample` `[batch, 3, height · f, width · f]`. */
  readonly decoder: ModelGraph;
  readonly unusedTensors: readonly string[];
}

const NORM_EPSILON = 1e-6;
const LOGVAR_RANGE = [-30, 20];

/** Reads `vae/config.json` of an `AutoencoderKL`. */
export function autoencoderKLConfig(json: unknown, file = "vae/config.json"): AutoencoderKLConfig {
  const read = new ConfigReader(json, file);
  read.only("act_fn", "silu", "swish");
  for (const key of ["latents_mean", "latents_std"]) read.only(key);
  const blockOutChannels = read.counts("block_out_channels", [64]);
  const down = read.eachOneOf("down_block_types", { DownEncoderBlock2D: true }, ["DownEncoderBlock2D"]);
  const up = read.eachOneOf("up_block_types", { UpDecoderBlock2D: true }, ["UpDecoderBlock2D"]);
  read.sameLength("down_block_types", down, blockOutChannels.length);
  read.sameLength("up_block_types", up, blockOutChannels.length);
  return {
    inChannels: read.count("in_channels", 3),
    outChannels: read.count("out_channels", 3),
    latentChannels: read.count("latent_channels", 4),
    blockOutChannels,
    layersPerBlock: read.count("layers_per_block", 1),
    normGroups: read.count("norm_num_groups", 32),
    midBlockAttention: read.boolean("mid_block_add_attention", true),
    quantConv: read.boolean("use_quant_conv", true),
    postQuantConv: read.boolean("use_post_quant_conv", true),
    sampleSize: read.optionalCount("sample_size"),
    forceUpcast: read.boolean("force_upcast", false),
    scalingFactor: read.number("scaling_factor", 0.18215),
    shiftFactor: read.number("shift_factor", 0),
  };
}

/**
 * The autoencoder of latent diffusion (Rombach et al. 2022, §3.1; Diffusers' `AutoencoderKL`).
 * Its few Linear layers are not worth packing and never are.
 */
export function autoencoderKL(
  checkpoint: Checkpoint,
  config: AutoencoderKLConfig,
  { operators, precision }: GraphOptions = {},
): Autoencoder {
  const weights = new Weights(checkpoint);
  const options = { operators, precision: config.forceUpcast ? "fp32" : precision };
  const encoder = encoderGraph(new GraphBuilder("autoencoder-kl-encoder", options), weights, config);
  const decoder = decoderGraph(new GraphBuilder("autoencoder-kl-decoder", options), weights, config);
  return { encoder, decoder, unusedTensors: weights.unused() };
}

function encoderGraph(g: GraphBuilder, weights: Weights, config: AutoencoderKLConfig): ModelGraph {
  const w = weights.at("encoder");
  const { blockOutChannels, normGroups, latentChannels } = config;
  const image = g.floatInput("sample", ["batch", config.inChannels, "height", "width"]);
  let h = conv2d(g, w.at("conv_in"), image, { outChannels: blockOutChannels[0]! });
  for (const [i, outChannels] of blockOutChannels.entries()) {
    const block = w.at(`down_blocks.${i}`);
    h = resnets(g, block, h, config.layersPerBlock, { groups: normGroups, outChannels });
    // the autoencoder pads below and right only, unlike the UNet
    if (i < blockOutChannels.length - 1)
      h = conv2d(g, block.at("downsamplers.0.conv"), h, { stride: 2, pads: [0, 0, 1, 1] });
  }
  h = midBlock(g, w.at("mid_block"), h, config);
  h = conv2d(g, w.at("conv_out"), silu(g, groupNorm(g, w.at("conv_norm_out"), h, normGroups, NORM_EPSILON)), {
    outChannels: 2 * latentChannels,
  });
  posterior(g, config.quantConv ? conv2d(g, weights.at("quant_conv"), h, { kernel: 1 }) : h, latentChannels);
  return g.build();
}

/** The two halves of the channels: mean, and the logarithm of the variance, limited as Diffusers does. */
function posterior(g: GraphBuilder, moments: GraphValue, channels: number): void {
  const [batch = "batch", , ...size] = moments.shape;
  const half = (from: number) => {
    const bounds = [from, from + channels, 1].map((value) => g.constant("int64", [value]));
    const [start, end, axis] = bounds;
    return g.node("Slice", [moments, start, end, axis], { shape: [batch, channels, ...size] });
  };
  g.output("mean", half(0));
  const logvar = half(channels);
  g.output(
    "logvar",
    g.node("Clip", [logvar, ...LOGVAR_RANGE.map((bound) => numberLike(g, logvar, bound))], {
      shape: logvar.shape,
    }),
  );
}

function decoderGraph(g: GraphBuilder, weights: Weights, config: AutoencoderKLConfig): ModelGraph {
  const w = weights.at("decoder");
  const { normGroups } = config;
  const latent = g.floatInput("latent_sample", ["batch", config.latentChannels, "height", "width"]);
  const unquantised = config.postQuantConv ? conv2d(g, weights.at("post_quant_conv"), latent, { kernel: 1 }) : latent;
  const channels = config.blockOutChannels.toReversed();
  let h = midBlock(
    g,
    w.at("mid_block"),
    conv2d(g, w.at("conv_in"), unquantised, { outChannels: channels[0]! }),
    config,
  );
  for (const [i, outChannels] of channels.entries()) {
    const block = w.at(`up_blocks.${i}`);
    h = resnets(g, block, h, config.layersPerBlock + 1, { groups: normGroups, outChannels });
    if (i < channels.length - 1) h = upsampler(g, block.at("upsamplers.0"), h);
  }
  const normed = silu(g, groupNorm(g, w.at("conv_norm_out"), h, normGroups, NORM_EPSILON));
  g.output("sample", conv2d(g, w.at("conv_out"), normed, { outChannels: config.outChannels }));
  return g.build();
}

function resnets(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  layers: number,
  options: { groups: number; outChannels: number },
): GraphValue {
  let h = x;
  for (let j = 0; j < layers; j++) h = resnetBlock(g, w.at(`resnets.${j}`), h, { ...options, epsilon: NORM_EPSILON });
  return h;
}

function midBlock(g: GraphBuilder, w: Weights, x: GraphValue, config: AutoencoderKLConfig): GraphValue {
  const resnet = { groups: config.normGroups, epsilon: NORM_EPSILON };
  const h = resnetBlock(g, w.at("resnets.0"), x, resnet);
  const attended = config.midBlockAttention ? pixelAttention(g, w.at("attentions.0"), h, { ...resnet, heads: 1 }) : h;
  return resnetBlock(g, w.at("resnets.1"), attended, resnet);
}
