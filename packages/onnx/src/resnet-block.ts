import { silu } from "./activation.js";
import { add, scale } from "./arithmetic.js";
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
  /** Output channels, where the configuration tells. */
  readonly outChannels?: number;
  /** Divides the sum. @default 1 */
  readonly outputScale?: number;
}

/** h = conv₁(silu(norm₁ x)) + W·silu(t); y = (conv₂(silu(norm₂ h)) + skip(x)) / s. x: `[B, C, H, W]` (Diffusers' `ResnetBlock2D`) */
export function resnetBlock(g: GraphBuilder, w: Weights, x: GraphValue, options: ResnetOptions): GraphValue {
  const { groups, epsilon, time, outputScale = 1 } = options;
  const out = options.outChannels === undefined ? {} : { outChannels: options.outChannels };
  let h = conv2d(g, w.at("conv1"), silu(g, groupNorm(g, w.at("norm1"), x, groups, epsilon)), out);
  if (time) h = add(g, h, perChannel(g, linear(g, w.at("time_emb_proj"), time)));
  h = conv2d(g, w.at("conv2"), silu(g, groupNorm(g, w.at("norm2"), h, groups, epsilon)), out);
  const skip = w.has("conv_shortcut") ? conv2d(g, w.at("conv_shortcut"), x) : x;
  return scale(g, add(g, h, skip), 1 / outputScale);
}

/** `[B, C]` as `[B, C, 1, 1]`. */
function perChannel(g: GraphBuilder, x: GraphValue): GraphValue {
  return g.node("Unsqueeze", [x, g.constant("int64", [2, 3])], { shape: [...x.shape, 1, 1] });
}
