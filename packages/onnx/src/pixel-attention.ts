import { add, fixedAxis, reshape, scale, transpose } from "./arithmetic.js";
import { attention } from "./attention.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import { linear } from "./linear.js";
import { groupNorm } from "./normalization.js";
import type { Weights } from "./weights.js";

/** What attention over pixels needs beside its weights. */
export interface PixelAttentionOptions {
  readonly heads: number;
  readonly epsilon: number;
  /** Groups of the norm before it; left out where there is no norm. */
  readonly groups?: number | undefined;
  /** Divides the sum. @default 1 */
  readonly outputScale?: number;
}

/** Repositories of 2022 name the projections query, key, value and proj_attn. */
const projectionNames = (w: Weights) =>
  w.has("query")
    ? { q: "query", k: "key", v: "value", out: "proj_attn" }
    : { q: "to_q", k: "to_k", v: "to_v", out: "to_out.0" };

/** (x + attention(norm x)) / s, each pixel looking at all of them. x: `[B, C, H, W]` (Diffusers' `Attention` of the blocks without text) */
export function pixelAttention(g: GraphBuilder, w: Weights, x: GraphValue, options: PixelAttentionOptions): GraphValue {
  const { heads, epsilon, groups, outputScale = 1 } = options;
  const [batch = "batch"] = x.shape;
  const channels = fixedAxis(x.shape, 1);
  const names = projectionNames(w);
  const normed = groups === undefined ? x : groupNorm(g, w.at("group_norm"), x, groups, epsilon);
  const tokens = transpose(g, reshape(g, normed, [0, channels, -1], [batch, channels, "pixels"]), [0, 2, 1]);
  const project = (name: string) => linear(g, w.at(name), tokens);
  const mixed = attention(g, { q: project(names.q), k: project(names.k), v: project(names.v), heads });
  const out = transpose(g, linear(g, w.at(names.out), mixed), [0, 2, 1]);
  const shape = g.node("Shape", [x], { type: "int64", shape: [4] });
  return scale(g, add(g, g.node("Reshape", [out, shape], { shape: x.shape }), x), 1 / outputScale);
}
