import { GraphBuilder, type GraphValue } from "@latentkit/onnx";

/** The form of a network of sums. */
export interface SumForm {
  /** Into how many tensors, along its batch, each input is cut. */
  readonly parts: readonly number[];
  /** How often each sum is repeated along the batch. */
  readonly copies: readonly number[];
}

/** Names of its inputs and outputs. */
export const sumNames = {
  input: (i: number): string => `x${i}`,
  weights: (i: number): string => `w${i}`,
  shape: "shape",
  output: (i: number): string => `y${i}`,
} as const;

/**
 * y_j = Σᵢ w_ji · x_i, the arithmetic of samplers and of guidance, as a network: what is computed so stays on its device.
 * Each `w_j` is `[tensors, 1]`, `shape` that of a tensor.
 */
export function sumGraph({ parts, copies }: SumForm): ReturnType<GraphBuilder["build"]> {
  const g = new GraphBuilder("sums");
  const count = parts.reduce((sum, part) => sum + part, 0);
  const rows = parts.map((part, i) => {
    const x = g.input(sumNames.input(i), "float32", [`batch${i}`, "channels", "height", "width"]);
    return g.node("Reshape", [x, g.constant("int64", [part, -1])], { shape: [part, "values"] });
  });
  const stacked = g.node("Concat", rows, { attributes: { axis: 0 }, shape: [count, "values"] });
  const shape = g.input(sumNames.shape, "int64", [4]);
  const sums = copies.map((_, j) => weighted(g, stacked, g.input(sumNames.weights(j), "float32", [count, 1]), shape));
  sums.forEach((sum, j) => {
    g.output(sumNames.output(j), repeated(g, sum, copies[j] ?? 1));
  });
  return g.build();
}

function weighted(g: GraphBuilder, stacked: GraphValue, weights: GraphValue, shape: GraphValue): GraphValue {
  const scaled = g.node("Mul", [stacked, weights], { shape: stacked.shape });
  const sum = g.node("ReduceSum", [scaled, g.constant("int64", [0])], {
    attributes: { keepdims: 0 },
    shape: ["values"],
  });
  return g.node("Reshape", [sum, shape], { shape: ["batch", "channels", "height", "width"] });
}

function repeated(g: GraphBuilder, value: GraphValue, copies: number): GraphValue {
  if (copies === 1) return value;
  const shape = ["copies", ...value.shape.slice(1)];
  return g.node("Concat", new Array<GraphValue>(copies).fill(value), { attributes: { axis: 0 }, shape });
}
