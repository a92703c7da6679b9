import type { GraphBuilder, GraphValue } from "./graph-builder.js";

/** Half the size: means of 2×2 pixels. At odd sides the last pixels are left out, or with `ceil` averaged among themselves. */
export function averagePool(
  g: GraphBuilder,
  x: GraphValue,
  { ceil = false }: { readonly ceil?: boolean } = {},
): GraphValue {
  const [batch = "batch", channels = 0, height, width] = x.shape;
  return g.node("AveragePool", [x], {
    attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: ceil ? 1 : 0 },
    shape: [batch, channels, `${height}/2`, `${width}/2`],
  });
}
