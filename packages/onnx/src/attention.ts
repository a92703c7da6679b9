import { LatentKitError } from "@latentkit/core";
import { add, cast, fixedAxis, reshape, scale, transpose } from "./arithmetic.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";

/**
 * softmax(q·kᵀ / √d + bias)·v for each head (Vaswani et al. 2017, eq. 1).
 * q: `[B, N, heads·d]`, k and v: `[B, M, heads·d]`, bias: `[B or 1, heads or 1, N, M]`.
 */
export function attention(
  g: GraphBuilder,
  {
    q,
    k,
    v,
    heads,
    bias,
  }: { q: GraphValue; k: GraphValue; v: GraphValue; heads: number; bias?: GraphValue | undefined },
): GraphValue {
  const width = fixedAxis(q.shape, -1);
  if (width % heads !== 0) {
    throw new LatentKitError(
      "unsupported-model",
      `config.json: ${heads} attention heads do not divide ${width} features`,
    );
  }
  if (!g.operators.attention) return spelledOut(g, q, k, v, heads, bias);
  return g.node("MultiHeadAttention", [q, k, v, undefined, undefined, bias], {
    domain: "com.microsoft",
    attributes: { num_heads: heads },
    shape: q.shape,
  });
}

function spelledOut(
  g: GraphBuilder,
  q: GraphValue,
  k: GraphValue,
  v: GraphValue,
  heads: number,
  bias?: GraphValue,
): GraphValue {
  const width = fixedAxis(q.shape, -1);
  const [batch = "batch", queries = "queries"] = q.shape;
  const keys = k.shape[1] ?? "keys";
  const perHead = (x: GraphValue, perm: readonly number[]) => {
    const shape = [batch, x.shape[1] ?? "length", heads, width / heads];
    return transpose(g, reshape(g, x, [0, -1, heads, width / heads], shape), perm);
  };
  // scaled before the product, whose sums would leave float16's range
  const scaled = scale(g, perHead(q, [0, 2, 1, 3]), 1 / Math.sqrt(width / heads));
  const products = g.node("MatMul", [scaled, perHead(k, [0, 2, 3, 1])], { shape: [batch, heads, queries, keys] });
  const scores = cast(g, bias ? add(g, products, bias) : products, "float32");
  const softmax = g.node("Softmax", [scores], { attributes: { axis: -1 }, shape: scores.shape });
  const weights = cast(g, softmax, q.type);
  const mixed = g.node("MatMul", [weights, perHead(v, [0, 2, 1, 3])], {
    shape: [batch, heads, queries, width / heads],
  });
  return reshape(g, transpose(g, mixed, [0, 2, 1, 3]), [0, -1, width], q.shape);
}
