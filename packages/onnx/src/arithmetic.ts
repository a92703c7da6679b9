import { type ElementType, elementTypes } from "@latentkit/core";
import type { Dim, GraphBuilder, GraphValue } from "./graph-builder.js";

const widerShape = (a: GraphValue, b: GraphValue): readonly Dim[] =>
  a.shape.length >= b.shape.length ? a.shape : b.shape;

/** a + b, broadcast. */
export function add(g: GraphBuilder, a: GraphValue, b: GraphValue): GraphValue {
  return g.node("Add", [a, b], { shape: widerShape(a, b) });
}

/** a · b, broadcast. */
export function multiply(g: GraphBuilder, a: GraphValue, b: GraphValue): GraphValue {
  return g.node("Mul", [a, b], { shape: widerShape(a, b) });
}

/** s · x. */
export function scale(g: GraphBuilder, x: GraphValue, factor: number): GraphValue {
  return factor === 1 ? x : multiply(g, x, numberLike(g, x, factor));
}

/** A number of the element type of `x`. */
export function numberLike(g: GraphBuilder, x: GraphValue, value: number): GraphValue {
  return g.constant(x.type === "float16" ? "float16" : "float32", [value], []);
}

/** The same values as another element type. */
export function cast(g: GraphBuilder, x: GraphValue, type: ElementType): GraphValue {
  if (x.type === type) return x;
  return g.node("Cast", [x], { attributes: { to: elementTypes[type] }, type, shape: x.shape });
}

/** Joins values along an axis whose length is known in each. */
export function concatenate(g: GraphBuilder, values: readonly GraphValue[], axis: number): GraphValue {
  const [first] = values;
  if (!first) throw new RangeError("values: expected at least one, got none");
  const length = values.reduce((sum, { shape }) => sum + fixedAxis(shape, axis), 0);
  const at = axis < 0 ? first.shape.length + axis : axis;
  return g.node("Concat", values, { attributes: { axis }, shape: first.shape.with(at, length) });
}

/** Reorders the axes. */
export function transpose(g: GraphBuilder, x: GraphValue, perm: readonly number[]): GraphValue {
  return g.node("Transpose", [x], { attributes: { perm }, shape: perm.map((axis) => x.shape[axis] ?? "unknown") });
}

/** Another shape over the same values: 0 keeps an axis as it is, one axis may be −1. `shape` names the result's axes. */
export function reshape(g: GraphBuilder, x: GraphValue, target: readonly number[], shape: readonly Dim[]): GraphValue {
  return g.node("Reshape", [x, g.constant("int64", target)], { shape });
}

/** The length of an axis, which must be known while the graph is built. */
export function fixedAxis(shape: readonly Dim[], axis: number): number {
  const length = shape.at(axis);
  if (typeof length !== "number")
    throw new TypeError(`axis ${axis} of [${shape.join(", ")}] is known only at run time`);
  return length;
}
