import { multiply, numberLike, scale } from "./arithmetic.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";

/** An activation function as configurations name it. */
export type Activation = "silu" | "gelu" | "quick_gelu" | "relu";

type Layer = (g: GraphBuilder, x: GraphValue) => GraphValue;

const layers: Record<Activation, Layer> = { silu, gelu, quick_gelu: quickGelu, relu };

/** Every name that configurations may use. */
export const activations: Record<string, Activation> = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu",
  quick_gelu: "quick_gelu",
  relu: "relu",
};

/** Applies an activation by name. */
export function activate(g: GraphBuilder, name: Activation, x: GraphValue): GraphValue {
  return layers[name](g, x);
}

/** x · σ(x). */
export function silu(g: GraphBuilder, x: GraphValue): GraphValue {
  return sigmoidGated(g, x, 1);
}

/** x · σ(1.702 x): OpenAI's approximation of gelu. */
export function quickGelu(g: GraphBuilder, x: GraphValue): GraphValue {
  return sigmoidGated(g, x, 1.702);
}

/** x · Φ(x), with the error function. */
export function gelu(g: GraphBuilder, x: GraphValue): GraphValue {
  if (g.operators.activation) return g.node("Gelu", [x], { shape: x.shape, domain: "com.microsoft" });
  const erf = g.node("Erf", [scale(g, x, Math.SQRT1_2)], { shape: x.shape });
  const shifted = g.node("Add", [erf, numberLike(g, erf, 1)], { shape: x.shape });
  return scale(g, multiply(g, x, shifted), 0.5);
}

/** max(x, 0). */
export function relu(g: GraphBuilder, x: GraphValue): GraphValue {
  return g.node("Relu", [x], { shape: x.shape });
}

function sigmoidGated(g: GraphBuilder, x: GraphValue, alpha: number): GraphValue {
  if (g.operators.activation) {
    return g.node("QuickGelu", [x], {
      shape: x.shape,
      domain: "com.microsoft",
      attributes: { alpha: { float: alpha } },
    });
  }
  return multiply(g, x, g.node("Sigmoid", [scale(g, x, alpha)], { shape: x.shape }));
}
