import { fixedAxis } from "./arithmetic.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";

/** One row of the filter: a cubic B-spline between pixels. */
const FILTER = [1 / 8, 3 / 8, 3 / 8, 1 / 8];

/** Half the size by a filter that has no weights (Diffusers' `KDownsample2D`). x: `[B, C, H, W]` with even sides. */
export function fixedDownsample(g: GraphBuilder, x: GraphValue): GraphValue {
  const [batch = "batch", , height = "height", width = "width"] = x.shape;
  return g.node("Conv", [mirrored(g, x), kernelFor(g, x, 1)], {
    attributes: { kernel_shape: [4, 4], strides: [2, 2], pads: [0, 0, 0, 0], group: fixedAxis(x.shape, 1) },
    shape: [batch, fixedAxis(x.shape, 1), `${height}/2`, `${width}/2`],
  });
}

/** Twice the size by the same filter (Diffusers' `KUpsample2D`); it is that of `like`. */
export function fixedUpsample(g: GraphBuilder, x: GraphValue, like: GraphValue): GraphValue {
  return g.node("ConvTranspose", [mirrored(g, x), kernelFor(g, x, 2)], {
    attributes: { kernel_shape: [4, 4], strides: [2, 2], pads: [3, 3, 3, 3], group: fixedAxis(x.shape, 1) },
    shape: [...x.shape.slice(0, 2), ...like.shape.slice(2)],
  });
}

/** A pixel more on every side. */
function mirrored(g: GraphBuilder, x: GraphValue): GraphValue {
  const pads = g.constant("int64", [0, 0, 1, 1, 0, 0, 1, 1]);
  return g.node("Pad", [x, pads], { attributes: { mode: "reflect" }, shape: x.shape });
}

/** The filter for each channel by itself. */
function kernelFor(g: GraphBuilder, x: GraphValue, gain: number): GraphValue {
  const plane = FILTER.flatMap((row) => FILTER.map((column) => row * column * gain * gain));
  const channels = fixedAxis(x.shape, 1);
  const type = x.type === "float16" ? "float16" : "float32";
  return g.constant(type, Array.from({ length: channels }, () => plane).flat(), [channels, 1, 4, 4]);
}
