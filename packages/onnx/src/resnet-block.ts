import { silu } from "./activation.js";
import { add, fixedAxis, scale } from "./arithmetic.js";
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
}

/** h = conv₁(silu(norm₁ x)) + W·silu(t); y = (conv₂(silu(norm₂ h)) + skip(x)) / s. x: `[B, C, H, W]` (Diffusers' `ResnetBlock2D`) */
export function resnetBlock(g: GraphBuilder, w: Weights, x: GraphValue, options: ResnetOptions): GraphValue {
  const channels = fixedAxis(x.shape, 1);
  const { groups, epsilon, time, outputScale = 1, outChannels = channels } = options;
  let h = conv2d(g, w.at("conv1"), silu(g, groupNorm(g, w.at("norm1"), x, groups, epsilon)), { outChannels });
  if (time) h = add(g, h, perChannel(g, linear(g, w.at("time_emb_proj"), time, { outFeatures: outChannels })));
  h = conv2d(g, w.at("conv2"), silu(g, groupNorm(g, w.at("norm2"), h, groups, epsilon)));
  const skip = outChannels === channels ? x : conv2d(g, w.at("conv_shortcut"), x, { outChannels, kernel: 1 });
  return scale(g, add(g, h, skip), 1 / outputScale);
}

/** `[B, C]` as `[B, C, 1, 1]`. */
function perChannel(g: GraphBuilder, x: GraphValue): GraphValue {
  return g.node("Unsqueeze", [x, g.constant("int64", [2, 3])], { shape: [...x.shape, 1, 1] });
}
