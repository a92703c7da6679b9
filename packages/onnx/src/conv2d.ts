import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import type { Weights } from "./weights.js";

/** How the kernel moves. */
export interface Conv2dOptions {
  /** Output channels, where the configuration tells. */
  readonly outChannels?: number;
  /** @default 1 */
  readonly stride?: number;
  /** Rows and columns added at top, left, bottom and right; by default half the kernel, which keeps the size. */
  readonly pads?: readonly [number, number, number, number];
}

/** A two-dimensional convolution. x: `[B, in, H, W]`, weights: `[out, in, k, k]`. */
export function conv2d(g: GraphBuilder, w: Weights, x: GraphValue, options: Conv2dOptions = {}): GraphValue {
  const { outChannels = null, stride = 1 } = options;
  const channels = x.shape[1];
  if (typeof channels !== "number") throw new TypeError(`${w.path}: input channels must be known`);
  const stored = w.tensor("weight", [outChannels, channels, null, null]);
  const [out = 0, , kernel = 1] = stored.shape;
  const half = (kernel - 1) / 2;
  const pads = options.pads ?? [half, half, half, half];
  const bias = w.has("bias") ? g.weight(w.tensor("bias", [out])) : undefined;
  return g.node("Conv", [x, g.weight(stored), bias], {
    attributes: { kernel_shape: [kernel, kernel], strides: [stride, stride], pads },
    shape: [x.shape[0] ?? "batch", out, ...spatial(x, stride)],
    name: w.path,
  });
}

/** Names of the height and width after a stride. */
function spatial(x: GraphValue, stride: number): string[] {
  const [height, width] = x.shape.slice(2).map(String);
  return stride === 1 ? [`${height}`, `${width}`] : [`${height}/${stride}`, `${width}/${stride}`];
}
