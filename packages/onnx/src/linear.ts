import { add, fixedAxis, transpose } from "./arithmetic.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import type { CheckpointTensor } from "./safetensors.js";
import type { Weights } from "./weights.js";

/** How a layer is stored, and which part of it to take. */
export interface LinearOptions {
  /** @default as many as come in */
  readonly outFeatures?: number;
  /** @default true */
  readonly bias?: boolean;
  /** Rows of the weights, that is, output features. @default all */
  readonly rows?: readonly [number, number];
}

/** y = x·Wᵀ + b. x: `[…, in]`, W: `[out, in]`; a 1×1 convolution's `[out, in, 1, 1]` serves too. */
export function linear(g: GraphBuilder, w: Weights, x: GraphValue, options: LinearOptions = {}): GraphValue {
  const inFeatures = fixedAxis(x.shape, -1);
  const { outFeatures = inFeatures, bias = true, rows = [0, outFeatures] } = options;
  const stored = weightMatrix(w, outFeatures, inFeatures);
  const matrix = g.weight(stored, { rows, shape: [rows[1] - rows[0], inFeatures] });
  const product = timesTransposed(g, x, matrix, w.path);
  return bias ? add(g, product, g.weight(w.tensor("bias", [outFeatures]), { rows })) : product;
}

function weightMatrix(w: Weights, outFeatures: number, inFeatures: number): CheckpointTensor {
  const pointwise = w.isPointwiseConvolution();
  return w.tensor("weight", pointwise ? [outFeatures, inFeatures, 1, 1] : [outFeatures, inFeatures]);
}

/** x·Wᵀ for a weight `[out, in]`. */
export function timesTransposed(g: GraphBuilder, x: GraphValue, matrix: GraphValue, name: string): GraphValue {
  const shape = [...x.shape.slice(0, -1), matrix.shape[0] ?? 0];
  if (!g.operators.linear) return g.node("MatMul", [x, transpose(g, matrix, [1, 0])], { shape, name });
  return g.node("FusedMatMul", [x, matrix], { shape, name, domain: "com.microsoft", attributes: { transB: 1 } });
}
