import { gelu } from "./activation.js";
import { add, cast, concatenate, fixedAxis, multiply, numberLike, reshape, scale, transpose } from "./arithmetic.js";
import { attention } from "./attention.js";
import type { Checkpoint } from "./checkpoint.js";
import { conv2d } from "./conv2d.js";
import { fixedDownsample, fixedUpsample } from "./fixed-resize.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import type { GraphOptions } from "./graph-options.js";
import type { KUNetConfig } from "./k-unet-config.js";
import { linear } from "./linear.js";
import { finish, type Network } from "./network.js";
import { layerNorm, normalizedGroups } from "./normalization.js";
import { perChannel } from "./resnet-block.js";
import { Weights } from "./weights.js";

/** What every block shares. */
interface Conditioning {
  readonly config: KUNetConfig;
  /** Noise level and condition, `[B, width]`. */
  readonly time: GraphValue;
  /** The text, `[B, length, width]`. */
  readonly context: GraphValue;
}

/** Channels in a group of a norm. */
const GROUP = 32;

/**
 * The UNet of the ×2 latent upscaler (k-diffusion's `ImageDenoiserModelV1`, with Diffusers' "K" blocks): norms are
 * scaled by the noise level, sizes change by a fixed filter, and of each resolution one state is handed over.
 *
 * Inputs: `sample` `[batch, channels, height, width]`, `timestep` float32 `[1 or batch]` (a quarter of the noise level's
 * logarithm), `encoder_hidden_states` `[batch, length, width]`, `timestep_cond` `[batch, width]`. Output: `out_sample`.
 */
export function kUNet(checkpoint: Checkpoint, config: KUNetConfig, options?: GraphOptions): Network {
  const g = new GraphBuilder("k-unet", options);
  const w = new Weights(checkpoint);
  const { channels, inChannels, outChannels } = config;
  const sample = g.floatInput("sample", ["batch", inChannels, "height", "width"]);
  const time = timeEmbedding(g, w, config);
  const context = g.floatInput("encoder_hidden_states", ["batch", "length", config.crossAttentionDim]);
  const shared: Conditioning = { config, time, context };
  const last = channels.length - 1;

  let h = conv2d(g, w.at("conv_in"), sample, { outChannels: channels[0]!, kernel: 1 });
  const skips: GraphValue[] = [];
  for (const i of channels.keys()) {
    h = downBlock(g, w.at(`down_blocks.${i}`), h, i, shared);
    if (i === last) continue;
    skips.push(h);
    h = fixedDownsample(g, h);
  }
  for (const i of channels.keys()) {
    const joined = i === 0 ? h : concatenate(g, [h, skips.pop()!], 1);
    h = upBlock(g, w.at(`up_blocks.${i}`), joined, last - i, shared);
    if (i < last) h = fixedUpsample(g, h, skips.at(-1)!);
  }
  g.output("out_sample", conv2d(g, w.at("conv_out"), h, { outChannels, kernel: 1 }));
  return finish(g, w);
}

/** gelu(W₂·gelu(W₁·(waves + W₀·condition))) */
function timeEmbedding(g: GraphBuilder, w: Weights, config: KUNetConfig): GraphValue {
  const width = 2 * config.channels[0]!;
  const condition = g.floatInput("timestep_cond", ["batch", config.timeCondProjDim]);
  const embedding = w.at("time_embedding");
  const told = linear(g, embedding.at("cond_proj"), condition, { outFeatures: width, bias: false });
  const input = add(g, told, cast(g, fourierWaves(g, w.at("time_proj"), width / 2, config), g.float));
  return gelu(g, linear(g, embedding.at("linear_2"), gelu(g, linear(g, embedding.at("linear_1"), input))));
}

/** sin and cos of 2π·t·ω with random frequencies ω (Tancik et al. 2020). */
function fourierWaves(g: GraphBuilder, w: Weights, half: number, { flipSinToCos }: KUNetConfig): GraphValue {
  const timestep = g.input("timestep", "float32", ["steps"]);
  const column = g.node("Unsqueeze", [timestep, g.constant("int64", [1])], { shape: ["steps", 1] });
  const frequencies = g.weight(w.tensor("weight", [half]), { type: "float32" });
  const shape = ["steps", half];
  const phase = scale(g, g.node("Mul", [column, frequencies], { shape }), 2 * Math.PI);
  const [sin, cos] = ["Sin", "Cos"].map((name) => g.node(name, [phase], { shape }));
  return concatenate(g, flipSinToCos ? [cos!, sin!] : [sin!, cos!], -1);
}

/** Residual blocks, each followed by attention except at the finest resolution. */
function downBlock(g: GraphBuilder, w: Weights, x: GraphValue, resolution: number, shared: Conditioning): GraphValue {
  const { channels, layersPerBlock } = shared.config;
  const looksAtPixels = resolution === channels.length - 1;
  let h = x;
  for (let j = 0; j < layersPerBlock; j++) {
    h = resnet(g, w.at(`resnets.${j}`), h, channels[resolution]!, channels[resolution]!, shared);
    if (resolution > 0) h = kAttention(g, w.at(`attentions.${j}`), h, looksAtPixels, shared);
  }
  return h;
}

/** The same; the last one has the width of the next resolution. */
function upBlock(g: GraphBuilder, w: Weights, x: GraphValue, resolution: number, shared: Conditioning): GraphValue {
  const { channels, layersPerBlock } = shared.config;
  const [own, next] = [channels[resolution]!, channels[Math.max(resolution - 1, 0)]!];
  const looksAtPixels = resolution === channels.length - 1;
  let h = x;
  for (let j = 0; j < layersPerBlock; j++) {
    h = resnet(g, w.at(`resnets.${j}`), h, own, j === layersPerBlock - 1 ? next : own, shared);
    if (resolution > 0) h = kAttention(g, w.at(`attentions.${j}`), h, looksAtPixels, shared);
  }
  return h;
}

/** x + conv₂(gelu(norm₂ conv₁(gelu(norm₁ x)))) (Diffusers' `ResnetBlockCondNorm2D`) */
function resnet(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  inner: number,
  outChannels: number,
  shared: Conditioning,
): GraphValue {
  const { normEpsilon } = shared.config;
  const norm = (name: string, value: GraphValue) =>
    gelu(g, adaGroupNorm(g, w.at(name), value, shared.time, normEpsilon));
  const h = conv2d(g, w.at("conv1"), norm("norm1", x), { outChannels: inner });
  const out = conv2d(g, w.at("conv2"), norm("norm2", h), { outChannels });
  const isSame = fixedAxis(x.shape, 1) === outChannels;
  const skip = isSame ? x : conv2d(g, w.at("conv_shortcut"), x, { outChannels, kernel: 1, bias: false });
  return add(g, out, skip);
}

/** norm(x)·(1 + W₁·t) + W₂·t (Diffusers' `AdaGroupNorm`) */
function adaGroupNorm(g: GraphBuilder, w: Weights, x: GraphValue, time: GraphValue, epsilon: number): GraphValue {
  const channels = fixedAxis(x.shape, 1);
  const half = (from: number) =>
    perChannel(g, linear(g, w.at("linear"), time, { outFeatures: 2 * channels, rows: [from, from + channels] }));
  const factor = half(0);
  const normed = normalizedGroups(g, w, x, Math.max(1, Math.floor(channels / GROUP)), epsilon);
  return add(g, multiply(g, normed, add(g, factor, numberLike(g, factor, 1))), half(channels));
}

/** Attention to the picture where asked for, then to the text, without layers of its own (Diffusers' `KAttentionBlock`). */
function kAttention(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  looksAtPixels: boolean,
  { config, time, context }: Conditioning,
): GraphValue {
  const attended = (h: GraphValue, index: number, to?: GraphValue) => {
    const tokens = pixelsAsTokens(g, adaGroupNorm(g, w.at(`norm${index}`), h, time, 1e-5));
    const mixed = heads(g, w.at(`attn${index}`), tokens, to ?? tokens, config.headSize);
    const shape = g.node("Shape", [h], { type: "int64", shape: [4] });
    const back = g.node("Reshape", [transpose(g, mixed, [0, 2, 1]), shape], { shape: h.shape });
    return add(g, back, h);
  };
  const h = looksAtPixels ? attended(x, 1) : x;
  return attended(h, 2, layerNorm(g, w.at("attn2.norm_cross"), context, 1e-5));
}

function heads(g: GraphBuilder, w: Weights, x: GraphValue, to: GraphValue, headSize: number): GraphValue {
  const outFeatures = fixedAxis(x.shape, -1);
  const project = (name: string, from: GraphValue) => linear(g, w.at(name), from, { outFeatures });
  const [q, k, v] = [project("to_q", x), project("to_k", to), project("to_v", to)];
  return linear(g, w.at("to_out.0"), attention(g, { q, k, v, heads: outFeatures / headSize }));
}

/** `[B, C, H, W]` as `[B, H·W, C]`. */
function pixelsAsTokens(g: GraphBuilder, x: GraphValue): GraphValue {
  const [batch = "batch"] = x.shape;
  const channels = fixedAxis(x.shape, 1);
  return transpose(g, reshape(g, x, [0, channels, -1], [batch, channels, "pixels"]), [0, 2, 1]);
}
