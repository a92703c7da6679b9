import type { BuiltGraph, GraphBuilder } from "./graph-builder.js";
import type { Weights } from "./weights.js";

/** A network built from a checkpoint, and the tensors of the checkpoint that it has no place for. */
export interface Network extends BuiltGraph {
  readonly unusedTensors: readonly string[];
}

/** Closes a graph and reports the leftovers, except those known to carry nothing. */
export function finish(g: GraphBuilder, weights: Weights, isIdle: (name: string) => boolean = () => false): Network {
  return { ...g.build(), unusedTensors: weights.unused().filter((name) => !isIdle(name)) };
}
