import { type GraphNode, graphContent } from "./graph-nodes.js";
import { type SizedValue, sizedOutput } from "./graph-shapes.js";

/** Lengths of the axes that a graph names, as `{ batch: 2, height: 64, width: 48 }`. */
export type AxisLengths = Readonly<Record<string, number>>;

/** A graph with the size of every value, its inputs being of a size. */
export interface SizedGraph {
  readonly nodes: readonly GraphNode[];
  readonly outputs: readonly string[];
  readonly values: ReadonlyMap<string, SizedValue>;
  /** Names of what is there before a run: weights, and what is computed of them alone. */
  readonly fixed: ReadonlySet<string>;
}

/** @throws RangeError for an axis without a length, and for an operator that our graphs do not have. */
export function sizedGraph(model: Uint8Array, axes: AxisLengths): SizedGraph {
  const { nodes, initializers, inputs, outputs } = graphContent(model);
  const values = new Map<string, SizedValue>(initializers.map((tensor) => [tensor.name, tensor]));
  const fixed = new Set(values.keys());
  for (const { name, shape, elementType } of inputs)
    values.set(name, { elementType, shape: shape.map((axis) => lengthOf(axis, axes)) });
  for (const node of nodes) {
    const given = node.inputs.map((name) => values.get(name));
    const isFixed = node.inputs.every((name) => name === "" || fixed.has(name));
    // of several outputs, those that our graphs take have one size
    for (const name of node.outputs) {
      values.set(name, sizedOutput(node, given));
      if (isFixed) fixed.add(name);
    }
  }
  return { nodes, outputs, values, fixed };
}

function lengthOf(axis: number | string, axes: AxisLengths): number {
  if (typeof axis === "number") return axis;
  const length = Object.hasOwn(axes, axis) ? axes[axis] : undefined;
  if (length !== undefined) return length;
  throw new RangeError(`axes: expected the length of ${axis}, got that of ${Object.keys(axes).join(", ")}`);
}
