import { fixedAxis } from "./arithmetic.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import type { Operators } from "./operators.js";
import type { Weights } from "./weights.js";

/** How the kernel moves. */
export interface Conv2dOptions {
  /** @default as many as come in */
  readonly outChannels?: number;
  /** Side of the kernel. @default 3 */
  readonly kernel?: number;
  /** @default true */
  readonly bias?: boolean;
  /** @default 1 */
  readonly stride?: number;
  /** Rows and columns added at top, left, bottom and right; by default half the kernel, which keeps the size. */
  readonly pads?: readonly [number, number, number, number];
  /** For 3×3 kernels: whether outputs are computed by tiles, with fewer multiplications and larger weights in memory. @default false */
  readonly tiled?: boolean | undefined;
}

/** With fewer channels, transforming tiles takes longer than it saves. */
const TILED_CHANNELS = 96;

/** How a 3×3 convolution of that many channels is computed by tiles, where its place in the network allows it. */
export function tiledConvolution(g: GraphBuilder, inChannels: number, outChannels: number): Operators["convolution"] {
  const isWorthIt = g.float === "float32" && Math.min(inChannels, outChannels) >= TILED_CHANNELS;
  return isWorthIt ? g.operators.convolution : undefined;
}

/** A two-dimensional convolution. x: `[B, in, H, W]`, weights: `[out, in, k, k]`. */
export function conv2d(g: GraphBuilder, w: Weights, x: GraphValue, options: Conv2dOptions = {}): GraphValue {
  const channels = fixedAxis(x.shape, 1);
  const { outChannels = channels, kernel = 3, stride = 1 } = options;
  const byTiles = options.tiled && tiledConvolution(g, channels, outChannels);
  if (byTiles) return byTiles(g, w, x, { outChannels });
  const half = (kernel - 1) / 2;
  const pads = options.pads ?? [half, half, half, half];
  const weight = g.weight(w.tensor("weight", [outChannels, channels, kernel, kernel]));
  const bias = options.bias === false ? undefined : g.weight(w.tensor("bias", [outChannels]));
  return g.node("Conv", [x, weight, bias], {
    attributes: { kernel_shape: [kernel, kernel], strides: [stride, stride], pads },
    shape: [x.shape[0] ?? "batch", outChannels, ...spatial(x, stride)],
    name: w.path,
  });
}

/** Names of the height and width after a stride. */
function spatial(x: GraphValue, stride: number): string[] {
  const [height, width] = x.shape.slice(2).map(String);
  return stride === 1 ? [`${height}`, `${width}`] : [`${height}/${stride}`, `${width}/${stride}`];
}
