import type { GraphNode } from "./graph-nodes.js";
import { elements, numberOf, type SizedValue } from "./graph-shapes.js";
import { type AxisLengths, type SizedGraph, sizedGraph } from "./sized-graph.js";

/** What one run of a network costs, whatever the machine. */
export interface GraphCosts {
  /** Of convolutions, matrix products and attention. */
  readonly multiplyAdds: number;
  /** Bytes of the weights as they stay in memory, those that are computed while the network opens among them. */
  readonly weightBytes: number;
  /** Most bytes of what a run computes that are needed at the same time, the nodes in the graph's order. */
  readonly activationBytes: number;
}

const BYTES: Readonly<Record<number, number>> = { 1: 4, 2: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 16: 2 };
/** Their outputs are their inputs' bytes. */
const VIEWS = new Set(["Reshape", "Identity", "Unsqueeze", "Squeeze", "Flatten"]);

/**
 * Counts what a model of a `GraphBuilder` costs with inputs of these sizes. What weights alone go into is computed while the
 * session opens, and costs no operations later.
 */
export function graphCosts(model: Uint8Array, axes: AxisLengths): GraphCosts {
  const { fixed, values, ...graph } = sizedGraph(model, axes);
  const nodes = graph.nodes.filter(({ outputs: [name = ""] }) => !fixed.has(name));
  const sized = (names: readonly string[]) => names.map((name) => values.get(name));
  const weights = new Set(nodes.flatMap(({ inputs }) => inputs).filter((name) => fixed.has(name)));
  return {
    multiplyAdds: sum(nodes.map((node) => multiplyAdds(node, sized(node.inputs), sized(node.outputs)))),
    weightBytes: sum(sized([...weights]).map(bytesOf)),
    activationBytes: mostAlive({ ...graph, nodes, values, fixed }),
  };
}

type Sizes = readonly (SizedValue | undefined)[];

function multiplyAdds(node: GraphNode, inputs: Sizes, [output]: Sizes): number {
  const [a = [], b = []] = inputs.map((value) => value?.shape);
  const out = elements(output?.shape ?? []);
  switch (node.operator) {
    case "Conv":
      return out * elements(b.slice(1));
    case "ConvTranspose":
      return elements(a) * elements(b.slice(1));
    case "MatMul":
      return out * (a.at(-1) ?? 0);
    case "FusedMatMul":
      return out * (a.at(summedAxis(node)) ?? 0);
    case "MatMulNBits":
      return out * numberOf(node, "K");
    case "MultiHeadAttention":
      // the scores and the mixture of the values; keys are [batch, keys, width] or [batch, heads, keys, width / heads]
      return 2 * out * (b.at(-2) ?? 0);
    default:
      return 0;
  }
}

/** Which axis of `FusedMatMul`'s first matrix the sum goes over. */
function summedAxis(node: GraphNode): number {
  if (!numberOf(node, "transA")) return -1;
  return numberOf(node, "transBatchA") ? 0 : -2;
}

/** The largest sum of what is needed before, at and after a node. */
function mostAlive({ nodes, outputs, values, fixed }: SizedGraph): number {
  const owner = owners(nodes);
  const last = new Map<string, number>();
  for (const [i, { inputs }] of nodes.entries()) for (const name of inputs) last.set(owner(name), i);
  for (const name of outputs) last.set(owner(name), nodes.length);
  const freed = new Map<number, number>();
  let [alive, most] = [0, 0];
  for (const [i, { outputs: made }] of nodes.entries()) {
    for (const name of made.filter((name) => owner(name) === name && !fixed.has(name))) {
      const bytes = bytesOf(values.get(name));
      const end = last.get(name) ?? i;
      alive += bytes;
      freed.set(end, (freed.get(end) ?? 0) + bytes);
    }
    most = Math.max(most, alive);
    alive -= freed.get(i) ?? 0;
  }
  return most;
}

/** Whose bytes a value has. */
function owners(nodes: readonly GraphNode[]): (name: string) => string {
  const known = new Map<string, string>();
  const owner = (name: string) => known.get(name) ?? name;
  for (const { operator, inputs, outputs } of nodes)
    if (VIEWS.has(operator)) known.set(outputs[0] ?? "", owner(inputs[0] ?? ""));
  return owner;
}

function bytesOf(value: SizedValue | undefined): number {
  if (!value) return 0;
  const each = BYTES[value.elementType];
  if (each !== undefined) return each * elements(value.shape);
  throw new RangeError(`elementType: expected one of ${Object.keys(BYTES).join(", ")}, got ${value.elementType}`);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
