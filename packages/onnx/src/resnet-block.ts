import { silu } from "./activation.js";
import { add, fixedAxis, multiply, numberLike, scale } from "./arithmetic.js";
import { conv2d } from "./conv2d.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import { linear } from "./linear.js";
import { groupNorm } from "./normalization.js";
import type { Weights } from "./weights.js";

/** What a residual block needs beside its weights. */
export interface ResnetOptions {
  readonly groups: number;
  readonly epsilon: number;
  /** The timestep's embedding after its activation, `[B, width]`; autoencoders have none. */
  readonly time?: GraphValue;
  /** @default as many as come in */
  readonly outChannels?: number;
  /** Divides the sum. @default 1 */
  readonly outputScale?: number;
  /** The timestep scales and shifts what the second norm gives, in place of being added before it. @default false */
  readonly timeScaleShift?: boolean;
  /** Halves or doubles the size on both ways through the block. */
  readonly resize?: (x: GraphValue) => GraphValue;
  /** Whether its convolutions are computed by tiles. @default false */
  readonly tiled?: boolean;
}

/** h = conv₁(silu(norm₁ x)) + W·silu(t); y = (conv₂(silu(norm₂ h)) + skip(x)) / s. x: `[B, C, H, W]` (Diffusers' `ResnetBlock2D`) */
export function resnetBlock(g: GraphBuilder, w: Weights, x: GraphValue, options: ResnetOptions): GraphValue {
  const channels = fixedAxis(x.shape, 1);
  const { groups, epsilon, outputScale = 1, outChannels = channels, tiled, resize = (value) => value } = options;
  const first = resize(silu(g, groupNorm(g, w.at("norm1"), x, groups, epsilon)));
  const timed = timedNorm(g, w, conv2d(g, w.at("conv1"), first, { outChannels, tiled }), options);
  const h = conv2d(g, w.at("conv2"), silu(g, timed), { tiled });
  const resized = resize(x);
  const skip =
    outChannels === channels ? resized : conv2d(g, w.at("conv_shortcut"), resized, { outChannels, kernel: 1 });
  return scale(g, add(g, h, skip), 1 / outputScale);
}

/** norm₂(h + W·t), or norm₂(h)·(1 + W₁·t) + W₂·t (Dhariwal & Nichol 2021, eq. 2). */
function timedNorm(g: GraphBuilder, w: Weights, h: GraphValue, options: ResnetOptions): GraphValue {
  const { groups, epsilon, time, timeScaleShift = false } = options;
  const norm = (value: GraphValue) => groupNorm(g, w.at("norm2"), value, groups, epsilon);
  if (!time) return norm(h);
  const channels = fixedAxis(h.shape, 1);
  const projection = w.at("time_emb_proj");
  if (!timeScaleShift) return norm(add(g, h, perChannel(g, linear(g, projection, time, { outFeatures: channels }))));
  const half = (from: number) =>
    perChannel(g, linear(g, projection, time, { outFeatures: 2 * channels, rows: [from, from + channels] }));
  const factor = half(0);
  const scaled = multiply(g, norm(h), add(g, factor, numberLike(g, factor, 1)));
  return add(g, scaled, half(channels));
}

/** `[B, C]` as `[B, C, 1, 1]`. */
export function perChannel(g: GraphBuilder, x: GraphValue): GraphValue {
  return g.node("Unsqueeze", [x, g.constant("int64", [2, 3])], { shape: [...x.shape, 1, 1] });
}
