import { add, transpose } from "./arithmetic.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import type { CheckpointTensor } from "./safetensors.js";
import type { Weights } from "./weights.js";

/** Which part of a layer to take: rows of its weights, that is, output features. */
export interface LinearOptions {
  /** Output features, where the configuration tells. */
  readonly outFeatures?: number;
  readonly rows?: readonly [number, number];
}

/** y = x·Wᵀ + b. x: `[…, in]`, W: `[out, in]`; a 1×1 convolution's `[out, in, 1, 1]` serves too. */
export function linear(g: GraphBuilder, w: Weights, x: GraphValue, options: LinearOptions = {}): GraphValue {
  const inFeatures = x.shape.at(-1);
  if (typeof inFeatures !== "number") throw new TypeError(`${w.path}: input features must be known`);
  const stored = weightMatrix(w, options.outFeatures ?? null, inFeatures);
  const [from, to] = options.rows ?? [0, stored.shape[0] ?? 0];
  const matrix = g.weight(stored, { rows: [from, to], shape: [to - from, inFeatures] });
  const product = timesTransposed(g, x, matrix, w.path);
  if (!w.has("bias")) return product;
  return add(g, product, g.weight(w.tensor("bias", [stored.shape[0] ?? 0]), { rows: [from, to] }));
}

function weightMatrix(w: Weights, outFeatures: number | null, inFeatures: number): CheckpointTensor {
  const pointwise = w.isPointwiseConvolution();
  return w.tensor("weight", pointwise ? [outFeatures, inFeatures, 1, 1] : [outFeatures, inFeatures]);
}

/** x·Wᵀ for a weight `[out, in]`. */
export function timesTransposed(g: GraphBuilder, x: GraphValue, matrix: GraphValue, name: string): GraphValue {
  const shape = [...x.shape.slice(0, -1), matrix.shape[0] ?? 0];
  if (!g.operators.linear) return g.node("MatMul", [x, transpose(g, matrix, [1, 0])], { shape, name });
  return g.node("FusedMatMul", [x, matrix], { shape, name, domain: "com.microsoft", attributes: { transB: 1 } });
}
