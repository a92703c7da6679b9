import { add, fixedAxis, multiply, reshape, transpose } from "./arithmetic.js";
import type { Dim, GraphBuilder, GraphValue } from "./graph-builder.js";
import type { ConvolutionOptions } from "./operators.js";
import type { Weights } from "./weights.js";

/** Side of the square of outputs that are computed together, which saves three of four multiplications. */
const TILE = 4;

type Matrix = readonly (readonly number[])[];

/** A filter of three taps in one dimension: y = Aᵀ[(G·k) ⊙ (Bᵀ·d)]. */
interface MinimalFilter {
  /** Bᵀ, `[points, side of d]`. */
  readonly input: Matrix;
  /** G, `[points, 3]`. */
  readonly kernel: Matrix;
  /** Aᵀ, `[side of y, points]`. */
  readonly output: Matrix;
}

/** F(4, 3) (Lavin & Gray 2016, §4.3). */
const plain: MinimalFilter = {
  input: [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
  ],
  kernel: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ],
  output: [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
  ],
};

/** The same outputs from pixels that stand for two each: the point −1, where a repeated pixel cancels itself, is left out. */
function doubledFilter({ input, kernel, output }: MinimalFilter): MinimalFilter {
  // the tile begins with the second of a pair
  const pairs = (row: readonly number[]) =>
    Array.from({ length: row.length / 2 + 1 }, (_, i) => (row[2 * i - 1] ?? 0) + (row[2 * i] ?? 0));
  const merged = input.map(pairs);
  const isKept = (_: unknown, point: number) => merged[point]!.some((value) => value !== 0);
  return {
    input: merged.filter(isKept),
    kernel: kernel.filter(isKept),
    output: output.map((row) => row.filter(isKept)),
  };
}

/**
 * A 3×3 convolution with fewer multiplications, exact but for rounding: tiles and kernels are transformed, multiplied
 * point by point as matrices over the channels, and transformed back (Winograd 1980; Lavin & Gray 2016, algorithm 1).
 * x: `[B, in, H, W]`. ONNX Runtime transforms the kernels once, while the session opens.
 */
export function winogradConvolution(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  options: ConvolutionOptions,
): GraphValue {
  const { outChannels, doubled = false } = options;
  const filter = doubled ? doubledFilter(plain) : plain;
  const grown = doubled ? 2 : 1;
  const tiles = transformedTiles(g, x, filter.input, TILE / grown);
  const kernels = transformedKernels(g, w, [outChannels, fixedAxis(x.shape, 1)], filter.kernel);
  const points = fixedAxis(kernels.shape, 1);
  const products = g.node("FusedMatMul", [kernels, flatTiles(g, x, tiles)], {
    domain: "com.microsoft",
    attributes: { transBatchA: 1 },
    shape: [points, outChannels, "places"],
    name: w.path,
  });
  const y = pictures(g, products, tiles, filter.output);
  const whole = cropped(g, y, x, TILE / grown, grown);
  const shape = [x.shape[0]!, outChannels, ...whole.shape.slice(2)];
  const picture = { ...transpose(g, whole, [1, 0, 2, 3]), shape };
  return add(g, picture, g.weight(w.tensor("bias", [outChannels]), { shape: [outChannels, 1, 1] }));
}

/** (G ⊗ G)·k for every pair of channels, `[out, points, in]`. */
function transformedKernels(
  g: GraphBuilder,
  w: Weights,
  [outChannels, inChannels]: readonly [number, number],
  kernel: Matrix,
): GraphValue {
  const points = kernel.length ** 2;
  const tensor = w.tensor("weight", [outChannels, inChannels, 3, 3]);
  const stored = g.weight(tensor, { shape: [outChannels, inChannels, 9] });
  // what is between folded operators stays in memory until the session is open: the small side of the product
  const taps = transpose(g, stored, [0, 2, 1]);
  return g.node("MatMul", [g.constant("float32", flat(squared(kernel)), [points, 9]), taps], {
    shape: [outChannels, points, inChannels],
    name: `${w.path}.weight`,
  });
}

/** (Bᵀ ⊗ Bᵀ)·d of overlapping tiles, every channel by itself, `[B·C, points, rows, columns]`. */
function transformedTiles(g: GraphBuilder, x: GraphValue, input: Matrix, stride: number): GraphValue {
  const points = input.length ** 2;
  const side = input[0]!.length;
  const planes = reshape(g, x, [-1, 1, 0, 0], ["planes", 1, ...x.shape.slice(2)]);
  return g.node("Conv", [planes, g.constant("float32", flat(squared(input)), [points, 1, side, side])], {
    // as much below as the last tile can reach over the edge
    attributes: { kernel_shape: [side, side], strides: [stride, stride], pads: [1, 1, stride, stride] },
    shape: ["planes", points, "rows", "columns"],
  });
}

/** The tiles of all pictures in a row, `[points, C, B·rows·columns]`. */
function flatTiles(g: GraphBuilder, x: GraphValue, tiles: GraphValue): GraphValue {
  const channels = fixedAxis(x.shape, 1);
  const points = fixedAxis(tiles.shape, 1);
  const places = multiply(g, axisOf(g, tiles, 2), axisOf(g, tiles, 3));
  const target = joined(g, [axisOf(g, x, 0), g.constant("int64", [channels, points]), places]);
  const apart = g.node("Reshape", [tiles, target], { shape: ["batch", channels, points, "places"] });
  const inFront = transpose(g, apart, [2, 1, 0, 3]);
  return reshape(g, inFront, [points, channels, -1], [points, channels, "batch*places"]);
}

/** (Aᵀ ⊗ Aᵀ)·m, each tile where it belongs: `[out, B, rows·tile, columns·tile]`. */
function pictures(g: GraphBuilder, products: GraphValue, tiles: GraphValue, output: Matrix): GraphValue {
  const [points = 0, channels = 0] = products.shape;
  const tile = output.length;
  const target = joined(g, [g.constant("int64", [1, Number(points), -1]), axisOf(g, tiles, 3)]);
  const planes = g.node("Reshape", [products, target], { shape: [1, points, "planes", "columns"] });
  const kernel = g.constant("float32", flat(transposed(squared(output))), [Number(points), 1, tile, tile]);
  const spread = g.node("ConvTranspose", [planes, kernel], {
    attributes: { kernel_shape: [tile, tile], strides: [tile, tile] },
    shape: [1, 1, "planes", "columns"],
  });
  const rows = multiply(g, axisOf(g, tiles, 2), g.constant("int64", [tile]));
  const size = joined(g, [g.constant("int64", [Number(channels), -1]), rows, g.constant("int64", [0])]);
  return g.node("Reshape", [spread, size], { shape: [channels, "batch", "rows", "columns"] });
}

/** Without what the last tiles have beyond the picture. */
function cropped(g: GraphBuilder, y: GraphValue, x: GraphValue, side: number, grown: number): GraphValue {
  const [height = "height", width = "width"] = x.shape.slice(2).map((dim) => grownDim(dim, grown));
  const shape = [...y.shape.slice(0, 2), height, width];
  if (x.shape.slice(2).every((dim) => isMultiple(dim, side))) return { ...y, shape };
  const size = g.node("Shape", [x], { attributes: { start: 2, end: 4 }, type: "int64", shape: [2] });
  const end = grown === 1 ? size : multiply(g, size, g.constant("int64", [grown]));
  return g.node("Slice", [y, g.constant("int64", [0, 0]), end, g.constant("int64", [2, 3])], { shape });
}

const grownDim = (dim: Dim, factor: number): Dim => {
  if (factor === 1) return dim;
  return typeof dim === "number" ? dim * factor : `${dim}*${factor}`;
};

/** Whether an axis is known to be a multiple: by its length, or by what its name has been multiplied by. */
function isMultiple(dim: Dim, of: number): boolean {
  if (typeof dim === "number") return dim % of === 0;
  const factors = /^\w+((?:\*\d+)*)$/.exec(dim)?.[1]?.split("*").slice(1).map(Number) ?? [];
  return factors.reduce((product, factor) => product * factor, 1) % of === 0;
}

/** The length of an axis, `[1]`. */
function axisOf(g: GraphBuilder, x: GraphValue, axis: number): GraphValue {
  return g.node("Shape", [x], { attributes: { start: axis, end: axis + 1 }, type: "int64", shape: [1] });
}

function joined(g: GraphBuilder, parts: readonly GraphValue[]): GraphValue {
  return g.node("Concat", parts, { attributes: { axis: 0 }, type: "int64", shape: ["axes"] });
}

/** The same filter in both dimensions: the Kronecker product of a matrix with itself. */
function squared(matrix: Matrix): Matrix {
  return matrix.flatMap((a) => matrix.map((b) => a.flatMap((x) => b.map((y) => x * y))));
}

const transposed = (matrix: Matrix): Matrix => matrix[0]!.map((_, column) => matrix.map((row) => row[column]!));

const flat = (matrix: Matrix): number[] => matrix.flat();
