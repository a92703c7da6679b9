import { fixedAxis } from "./arithmetic.js";
import { conv2d, tiledConvolution } from "./conv2d.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import type { Weights } from "./weights.js";

const NEAREST = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };

/** Twice the height and width, by repeating pixels. */
export function upsampleNearest(g: GraphBuilder, x: GraphValue, factor = 2): GraphValue {
  const scales = g.constant("float32", [1, 1, factor, factor]);
  const [batch = "batch", channels = 0, height, width] = x.shape;
  return g.node("Resize", [x, undefined, scales], {
    attributes: NEAREST,
    shape: [batch, channels, `${height}*${factor}`, `${width}*${factor}`],
  });
}

/** The height and width of `like`, which is twice that of `x`, or one less where a side was odd on the way down. */
export function upsampleLike(g: GraphBuilder, x: GraphValue, like: GraphValue): GraphValue {
  const outer = g.node("Shape", [x], { attributes: { start: 0, end: 2 }, type: "int64", shape: [2] });
  const inner = g.node("Shape", [like], { attributes: { start: 2, end: 4 }, type: "int64", shape: [2] });
  const sizes = g.node("Concat", [outer, inner], { attributes: { axis: 0 }, type: "int64", shape: [4] });
  return g.node("Resize", [x, undefined, undefined, sizes], {
    attributes: NEAREST,
    shape: [...x.shape.slice(0, 2), ...like.shape.slice(2)],
  });
}

/** How to enlarge. */
export interface UpsamplerOptions {
  /** What has the height and width to come to. @default twice those of x */
  readonly like?: GraphValue;
  /** Whether the convolution is computed by tiles. @default false */
  readonly tiled?: boolean;
}

/** A convolution of the enlarged picture (Diffusers' `Upsample2D`). */
export function upsampler(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  { like, tiled }: UpsamplerOptions = {},
): GraphValue {
  const channels = fixedAxis(x.shape, 1);
  if (like) return conv2d(g, w.at("conv"), upsampleLike(g, x, like), { tiled });
  const byTiles = tiled && tiledConvolution(g, channels, channels);
  if (byTiles) return byTiles(g, w.at("conv"), x, { outChannels: channels, doubled: true });
  return conv2d(g, w.at("conv"), upsampleNearest(g, x));
}
