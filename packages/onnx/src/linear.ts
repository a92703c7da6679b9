import { add, fixedAxis, transpose } from "./arithmetic.js";
import type { Dim, GraphBuilder, GraphValue } from "./graph-builder.js";
import type { Packing } from "./packing.js";
import { rowsOf } from "./rows-of.js";
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
  const product = timesTransposed(g, x, weightMatrix(w, outFeatures, inFeatures), w.path, rows);
  return bias ? add(g, product, g.weight(w.tensor("bias", [outFeatures]), { rows })) : product;
}

function weightMatrix(w: Weights, outFeatures: number, inFeatures: number): CheckpointTensor {
  const pointwise = w.isPointwiseConvolution();
  return w.tensor("weight", pointwise ? [outFeatures, inFeatures, 1, 1] : [outFeatures, inFeatures]);
}

/** x·Wᵀ for a stored weight `[out, in]`, or for some of its rows; packed where the graph is built so. */
export function timesTransposed(
  g: GraphBuilder,
  x: GraphValue,
  stored: CheckpointTensor,
  name: string,
  rows: readonly [number, number] = [0, stored.shape[0] ?? 0],
): GraphValue {
  const inFeatures = fixedAxis(x.shape, -1);
  const outFeatures = rows[1] - rows[0];
  const shape = [...x.shape.slice(0, -1), outFeatures];
  if (g.packing && !stored.transposed) {
    const { length, offset } = rowsOf(stored, rows);
    const matrix = { ...stored, shape: [outFeatures, inFeatures], length, offset };
    return packedProduct(g, x, matrix, { packing: g.packing, shape, name });
  }
  const matrix = g.weight(stored, { rows, shape: [outFeatures, inFeatures] });
  if (!g.operators.linear) return g.node("MatMul", [x, transpose(g, matrix, [1, 0])], { shape, name });
  return g.node("FusedMatMul", [x, matrix], { shape, name, domain: "com.microsoft", attributes: { transB: 1 } });
}

/** Activations are rounded to 8 bits by block as well: with the weights' error that adds little, and takes half the time. */
const INT8_ACTIVATIONS = 4;

function packedProduct(
  g: GraphBuilder,
  x: GraphValue,
  matrix: CheckpointTensor,
  { packing, ...options }: { readonly packing: Packing; readonly shape: readonly Dim[]; readonly name: string },
): GraphValue {
  const [N = 0, K = 0] = matrix.shape;
  const { values, scales } = g.packed(matrix, packing);
  return g.node("MatMulNBits", [x, values, scales], {
    ...options,
    domain: "com.microsoft",
    attributes: { K, N, bits: packing.bits, block_size: packing.blockSize, accuracy_level: INT8_ACTIVATIONS },
  });
}
