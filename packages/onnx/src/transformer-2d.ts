import { gelu } from "./activation.js";
import { add, fixedAxis, multiply, reshape, transpose } from "./arithmetic.js";
import { attention } from "./attention.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import { linear } from "./linear.js";
import { groupNorm, layerNorm } from "./normalization.js";
import { type KeysAndValues, keysAndValues, type TextSource } from "./text-source.js";
import type { PixelMerging, TokenMerger } from "./token-merging.js";
import type { Weights } from "./weights.js";

/** What a spatial transformer needs beside its weights. */
export interface TransformerOptions {
  readonly heads: number;
  readonly layers: number;
  readonly groups: number;
  readonly text: TextSource;
  /** Whether both attentions of a block look at the text (the ×4 upscaler). */
  readonly onlyCrossAttention: boolean;
  /** Whether each token sees itself alone where it would see all of them, `[1]` (Ahn et al. 2024, eq. 13). */
  readonly isPerturbed?: GraphValue | undefined;
  /** How tokens are merged before self-attention. @default they are not */
  readonly merging?: PixelMerging | undefined;
}

/** A spatial transformer's options, and what merges the tokens of a block. */
interface BlockOptions extends TransformerOptions {
  readonly merge: ((tokens: GraphValue) => TokenMerger) | undefined;
}

const NORM_EPSILON = 1e-6;
const LAYER_NORM_EPSILON = 1e-5;

/** Pixels as tokens: norm, project in, transformer blocks, project out, add. x: `[B, C, H, W]` (Diffusers' `Transformer2DModel`) */
export function transformer2d(g: GraphBuilder, w: Weights, x: GraphValue, options: TransformerOptions): GraphValue {
  const normed = groupNorm(g, w.at("norm"), x, options.groups, NORM_EPSILON);
  const merge = options.merging?.(g, x);
  let tokens = linear(g, w.at("proj_in"), toTokens(g, normed));
  for (let i = 0; i < options.layers; i++)
    tokens = transformerBlock(g, w.at(`transformer_blocks.${i}`), tokens, { ...options, merge });
  return add(g, toPixels(g, linear(g, w.at("proj_out"), tokens), x), x);
}

/** `[B, C, H, W]` → `[B, H·W, C]` */
function toTokens(g: GraphBuilder, x: GraphValue): GraphValue {
  const [batch = "batch", channels = 0] = x.shape;
  return transpose(
    g,
    reshape(g, x, [0, fixedAxis(x.shape, 1), -1], [batch, channels, `${x.shape[2]}*${x.shape[3]}`]),
    [0, 2, 1],
  );
}

/** `[B, H·W, C]` → the shape of `like`. */
function toPixels(g: GraphBuilder, tokens: GraphValue, like: GraphValue): GraphValue {
  const shape = g.node("Shape", [like], { type: "int64", shape: [4] });
  return g.node("Reshape", [transpose(g, tokens, [0, 2, 1]), shape], { shape: like.shape });
}

/** x + attn₁(x), x + attn₂(x, text), x + ff(x), each of a layer norm (Rombach et al. 2022, eq. 12; Diffusers' `BasicTransformerBlock`). */
function transformerBlock(g: GraphBuilder, w: Weights, x: GraphValue, options: BlockOptions): GraphValue {
  const normed = (name: string, value: GraphValue) => layerNorm(g, w.at(name), value, LAYER_NORM_EPSILON);
  const first = normed("norm1", x);
  const { text, heads, onlyCrossAttention, isPerturbed, merge } = options;
  const width = fixedAxis(x.shape, -1);
  const merger = merge?.(x);
  const fewer = merger?.merge(first) ?? first;
  const w1 = w.at("attn1");
  const seen = onlyCrossAttention ? text(w1, width) : keysAndValues(g, w1, fewer, width);
  const attended = crossAttention(g, w1, fewer, seen, heads, isPerturbed);
  const own = add(g, merger?.restore(attended) ?? attended, x);
  const w2 = w.at("attn2");
  const told = add(g, crossAttention(g, w2, normed("norm2", own), text(w2, width), heads), own);
  return add(g, feedForward(g, w.at("ff"), normed("norm3", told)), told);
}

/** Queries from x on given keys and values; or the values as they are, where `isPerturbed` is true. */
function crossAttention(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  { k, v }: KeysAndValues,
  heads: number,
  isPerturbed?: GraphValue,
): GraphValue {
  const q = linear(g, w.at("to_q"), x, { bias: false });
  const attended = attention(g, { q, k, v, heads });
  const mixed = isPerturbed
    ? g.node("Where", [isPerturbed, v, attended], { type: v.type, shape: attended.shape })
    : attended;
  return linear(g, w.at("to_out.0"), mixed);
}

/** W₂·(a ⊙ gelu(b)) with a, b the halves of W₁·x (Shazeer 2020, GEGLU). */
function feedForward(g: GraphBuilder, w: Weights, x: GraphValue): GraphValue {
  const width = fixedAxis(x.shape, -1);
  const [value, gate] = halves(g, w.at("net.0.proj"), x, 4 * width);
  return linear(g, w.at("net.2"), multiply(g, value, gelu(g, gate)), { outFeatures: width });
}

/** Both halves of a linear layer's features: its upper and lower rows, so that nothing is sliced; exporters slice. */
function halves(g: GraphBuilder, w: Weights, x: GraphValue, size: number): readonly [GraphValue, GraphValue] {
  const outFeatures = 2 * size;
  if (g.operators.linear) {
    const rows = (from: number) => linear(g, w, x, { outFeatures, rows: [from, from + size] });
    return [rows(0), rows(size)];
  }
  const both = linear(g, w, x, { outFeatures });
  const slice = (from: number) => {
    const [start, end, axis] = [from, from + size, -1].map((value) => g.constant("int64", [value]));
    return g.node("Slice", [both, start, end, axis], { shape: both.shape.with(-1, size) });
  };
  return [slice(0), slice(size)];
}
