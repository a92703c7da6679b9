import type { GraphNode } from "./graph-nodes.js";

/** A value of a graph whose inputs' sizes are known. */
export interface SizedValue {
  readonly shape: readonly number[];
  /** As ONNX numbers them. */
  readonly elementType: number;
  /** Of shapes and axes. */
  readonly values?: readonly number[] | undefined;
}

type Inputs = readonly (SizedValue | undefined)[];
type Rule = (node: GraphNode, inputs: Inputs) => SizedValue;

const types = { int64: 7, bool: 9 } as const;

/** The output of a node, of the operators that the graphs are built with. @throws RangeError for another. */
export function sizedOutput(node: GraphNode, inputs: Inputs): SizedValue {
  const rule = Object.hasOwn(rules, node.operator) ? rules[node.operator] : undefined;
  if (!rule) throw new RangeError(`operator: expected one of ${Object.keys(rules).join(", ")}, got ${node.operator}`);
  return rule(node, inputs);
}

/** How many elements a shape has. */
export const elements = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** The values of a list-valued attribute. */
export function listOf(node: GraphNode, name: string, otherwise: readonly number[]): readonly number[] {
  const value = node.attributes[name];
  return Array.isArray(value) ? value : otherwise;
}

/** The value of a number-valued attribute. */
export function numberOf(node: GraphNode, name: string, otherwise = 0): number {
  const value = node.attributes[name];
  return typeof value === "number" ? value : otherwise;
}

const like: Rule = (_, [x]) => first(x);

function first(value: SizedValue | undefined): SizedValue {
  if (!value) throw new RangeError("inputs: expected one, got none");
  return value;
}

const elementwise =
  (compute?: (a: number, b: number) => number, elementType?: number): Rule =>
  (_, inputs) => {
    const [a, b] = inputs.slice(-2).map(first) as [SizedValue, SizedValue];
    const shape = inputs.map((input) => first(input).shape).reduce(broadcast);
    const values = compute && a.values && b.values ? pairwise(a.values, b.values, compute) : undefined;
    return { shape, elementType: elementType ?? b.elementType, values };
  };

function broadcast(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a.at(i - rank) ?? 1, b.at(i - rank) ?? 1];
    return i - rank < -a.length ? y : i - rank < -b.length ? x : x === 1 ? y : x;
  });
}

function pairwise(a: readonly number[], b: readonly number[], compute: (a: number, b: number) => number): number[] {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, i) => compute(a[a.length === 1 ? 0 : i] ?? 0, b[b.length === 1 ? 0 : i] ?? 0));
}

/** Convolutions and poolings: the places where the kernel fits. */
const windows: Rule = (node, [x, kernels]) => {
  const { shape, elementType } = first(x);
  const [batch = 0, channels = 0, ...sides] = shape;
  const kernel = listOf(node, "kernel_shape", kernels?.shape.slice(2) ?? []);
  const strides = listOf(node, "strides", [1, 1]);
  const pads = listOf(node, "pads", [0, 0, 0, 0]);
  const round = numberOf(node, "ceil_mode") === 1 ? Math.ceil : Math.floor;
  const out = sides.map((side, i) => round((side + pads[i]! + pads[i + 2]! - kernel[i]!) / strides[i]!) + 1);
  return { shape: [batch, kernels?.shape[0] ?? channels, ...out], elementType };
};

const spread: Rule = (node, [x, kernels]) => {
  const { shape, elementType } = first(x);
  const [batch = 0, , ...sides] = shape;
  const [, outPerGroup = 0, ...kernel] = first(kernels).shape;
  const strides = listOf(node, "strides", [1, 1]);
  const pads = listOf(node, "pads", [0, 0, 0, 0]);
  const out = sides.map((side, i) => (side - 1) * strides[i]! + kernel[i]! - pads[i]! - pads[i + 2]!);
  return { shape: [batch, outPerGroup * numberOf(node, "group", 1), ...out], elementType };
};

/** Matrix products; `FusedMatMul` may take either matrix with its axes exchanged. */
const product: Rule = (node, [a, b]) => {
  const [left, right] = [turned(node, "A", first(a).shape), turned(node, "B", first(b).shape)];
  const batch = broadcast(left.slice(0, -2), right.slice(0, -2));
  return { shape: [...batch, left.at(-2) ?? 1, right.at(-1) ?? 1], elementType: first(a).elementType };
};

/** Batch axes are turned behind the rows first. */
function turned(node: GraphNode, side: "A" | "B", shape: readonly number[]): readonly number[] {
  const [rows = 1, ...rest] = shape;
  const batched = numberOf(node, `transBatch${side}`) ? [...rest.slice(0, -1), rows, ...rest.slice(-1)] : shape;
  return numberOf(node, `trans${side}`) ? [...batched.slice(0, -2), ...batched.slice(-2).toReversed()] : batched;
}

const packedProduct: Rule = (node, [x]) => {
  const { shape, elementType } = first(x);
  return { shape: shape.with(-1, numberOf(node, "N")), elementType };
};

const concatenated: Rule = (node, inputs) => {
  const parts = inputs.map(first);
  const { shape, elementType } = first(parts[0]);
  const axis = numberOf(node, "axis");
  const values = parts.every((part) => part.values) ? parts.flatMap((part) => part.values ?? []) : undefined;
  return {
    shape: shape.with(
      axis,
      parts.reduce((sum, part) => sum + (part.shape.at(axis) ?? 0), 0),
    ),
    elementType,
    values,
  };
};

function known(value: SizedValue | undefined): readonly number[] {
  if (value?.values) return value.values;
  throw new RangeError("values: expected a shape that follows from the inputs' sizes");
}

const reshaped: Rule = (_, [x, target]) => {
  const { shape, elementType, values } = first(x);
  const asked = known(target).map((length, axis) => (length === 0 ? (shape[axis] ?? 0) : length));
  const rest = elements(shape) / elements(asked.filter((length) => length !== -1));
  return { shape: asked.map((length) => (length === -1 ? rest : length)), elementType, values };
};

const resized: Rule = (_, [x, , scales, sizes]) => {
  const { shape, elementType } = first(x);
  return {
    shape: sizes ? known(sizes) : shape.map((length, i) => Math.floor(length * (known(scales)[i] ?? 1))),
    elementType,
  };
};

const shapeOf: Rule = (node, [x]) => {
  const { shape } = first(x);
  const values = shape.slice(numberOf(node, "start"), numberOf(node, "end", shape.length));
  return { shape: [values.length], elementType: types.int64, values };
};

const sliced: Rule = (_, [x, starts, ends, axes, steps]) => {
  const { shape, elementType, values } = first(x);
  const lengths = [...shape];
  const at = axes ? known(axes) : known(starts).map((_, i) => i);
  const ranges = at.map((axis, i) => {
    const length = shape.at(axis) ?? 0;
    const place = (value: number) => Math.min(value < 0 ? value + length : value, length);
    const step = steps ? (known(steps)[i] ?? 1) : 1;
    const range = { from: place(known(starts)[i] ?? 0), to: place(known(ends)[i] ?? length), step };
    lengths[axis < 0 ? axis + shape.length : axis] = Math.ceil((range.to - range.from) / step);
    return range;
  });
  const [range] = ranges;
  const part = range && values?.slice(range.from, range.to).filter((_, i) => i % range.step === 0);
  return { shape: lengths, elementType, values: part };
};

const transposed: Rule = (node, [x]) => {
  const { shape, elementType } = first(x);
  const perm = listOf(node, "perm", Array.from(shape.keys()).toReversed());
  return { shape: perm.map((axis) => shape[axis] ?? 0), elementType };
};

const unsqueezed: Rule = (_, [x, axes]) => {
  const { shape, elementType, values } = first(x);
  const rank = shape.length + known(axes).length;
  const added = new Set(known(axes).map((axis) => (axis < 0 ? axis + rank : axis)));
  const rest = [...shape];
  return { shape: Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : rest.shift()!)), elementType, values };
};

const squeezed: Rule = (_, [x, axes]) => {
  const { shape, elementType, values } = first(x);
  const gone = new Set(known(axes).map((axis) => (axis < 0 ? axis + shape.length : axis)));
  return { shape: shape.filter((_, i) => !gone.has(i)), elementType, values };
};

const flattened: Rule = (node, [x]) => {
  const { shape, elementType } = first(x);
  const axis = numberOf(node, "axis", 1);
  return { shape: [elements(shape.slice(0, axis)), elements(shape.slice(axis))], elementType };
};

const gathered: Rule = (node, [x, indices]) => {
  const { shape, elementType, values } = first(x);
  const axis = numberOf(node, "axis");
  const at = axis < 0 ? axis + shape.length : axis;
  const taken = values && indices?.values?.map((index) => values.at(index) ?? 0);
  return {
    shape: [...shape.slice(0, at), ...first(indices).shape, ...shape.slice(at + 1)],
    elementType,
    values: taken,
  };
};

const gatheredEach: Rule = (node, [x, indices]) => {
  const { shape, elementType } = first(x);
  const batch = numberOf(node, "batch_dims");
  const places = first(indices).shape;
  return { shape: [...places.slice(0, -1), ...shape.slice(batch + (places.at(-1) ?? 0))], elementType };
};

const reduced: Rule = (node, [x]) => {
  const { shape } = first(x);
  const axis = numberOf(node, "axis");
  const kept = shape.with(axis, 1);
  const shortened = kept.filter((_, i) => i !== (axis < 0 ? axis + shape.length : axis));
  return { shape: numberOf(node, "keepdims", 1) ? kept : shortened, elementType: types.int64 };
};

const converted: Rule = (node, [x]) => ({ ...first(x), elementType: numberOf(node, "to") });

const rules: Readonly<Record<string, Rule>> = {
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Div: elementwise((a, b) => Math.trunc(a / b)),
  Max: elementwise(Math.max),
  Min: elementwise(Math.min),
  Equal: elementwise(undefined, types.bool),
  Greater: elementwise(undefined, types.bool),
  Where: elementwise(),
  ...Object.fromEntries(
    ["Identity", "Erf", "Gelu", "QuickGelu", "Sigmoid", "Tanh", "Relu", "Clip", "Sin", "Cos", "Log", "Softmax"].map(
      (operator) => [operator, like],
    ),
  ),
  InstanceNormalization: like,
  LayerNormalization: like,
  Trilu: like,
  MultiHeadAttention: like,
  Cast: converted,
  Conv: windows,
  AveragePool: windows,
  ConvTranspose: spread,
  MatMul: product,
  FusedMatMul: product,
  MatMulNBits: packedProduct,
  Concat: concatenated,
  Reshape: reshaped,
  Resize: resized,
  Shape: shapeOf,
  Slice: sliced,
  Transpose: transposed,
  Unsqueeze: unsqueezed,
  Squeeze: squeezed,
  Flatten: flattened,
  Gather: gathered,
  GatherND: gatheredEach,
  Expand: (_, [x, target]) => ({ ...first(x), shape: broadcast(first(x).shape, known(target)), values: undefined }),
  ArgMax: reduced,
};
