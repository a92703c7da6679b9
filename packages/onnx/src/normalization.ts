import { LatentKitError } from "@latentkit/core";
import { add, cast, multiply, reshape } from "./arithmetic.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import type { Weights } from "./weights.js";

/** Normalises over the features. x: `[…, features]`. */
export function layerNorm(g: GraphBuilder, w: Weights, x: GraphValue, epsilon: number): GraphValue {
  const features = lastOf(x.shape);
  const parameters = ["weight", "bias"].map((name) => g.weight(w.tensor(name, [features])));
  return g.node("LayerNormalization", [x, ...parameters], {
    attributes: { axis: -1, epsilon: { float: epsilon } },
    shape: x.shape,
    name: w.path,
  });
}

/** Normalises each group of channels over its pixels (Wu & He 2018), then scales each channel. x: `[B, C, H, W]`. */
export function groupNorm(g: GraphBuilder, w: Weights, x: GraphValue, groups: number, epsilon: number): GraphValue {
  const normalized = normalizedGroups(g, w, x, groups, epsilon);
  const channels = lastOf(x.shape.slice(0, 2));
  const [weight, bias] = ["weight", "bias"].map((name) =>
    g.weight(w.tensor(name, [channels]), { shape: [channels, 1, 1] }),
  );
  if (!weight || !bias) throw new TypeError(`${w.path}: no parameters`);
  return add(g, multiply(g, normalized, weight), bias);
}

/** The same without the scale, for modules that have one of another kind. */
export function normalizedGroups(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  groups: number,
  epsilon: number,
): GraphValue {
  const channels = lastOf(x.shape.slice(0, 2));
  if (channels % groups !== 0) {
    throw new LatentKitError(
      "unsupported-model",
      `${w.path}: norm_num_groups is ${groups}, which does not divide ${channels} channels`,
    );
  }
  const grouped = reshape(g, x, [0, groups, -1], [x.shape[0] ?? "batch", groups, "pixels"]);
  const ones = g.constant("float32", new Array(groups).fill(1));
  const zeros = g.constant("float32", new Array(groups).fill(0));
  // the squares of a group's values leave float16's range
  const normalized = g.node("InstanceNormalization", [cast(g, grouped, "float32"), ones, zeros], {
    attributes: { epsilon: { float: epsilon } },
    shape: grouped.shape,
    name: w.path,
  });
  return sameShape(g, cast(g, normalized, x.type), x);
}

/** The values of `x` in the shape of `like`. */
function sameShape(g: GraphBuilder, x: GraphValue, like: GraphValue): GraphValue {
  const shape = g.node("Shape", [like], { type: "int64", shape: [like.shape.length] });
  return g.node("Reshape", [x, shape], { shape: like.shape });
}

function lastOf(shape: GraphValue["shape"]): number {
  const length = shape.at(-1);
  if (typeof length !== "number") throw new TypeError(`features of [${shape.join(", ")}] must be known`);
  return length;
}
