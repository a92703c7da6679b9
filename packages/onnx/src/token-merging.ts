import { add, cast, multiply, transpose } from "./arithmetic.js";
import { checkTokenMerging, type TokenMerging } from "./check-token-merging.js";
import type { Dim, GraphBuilder, GraphValue } from "./graph-builder.js";

/** Which tokens may be merged into which; numbers of tokens. */
export interface TokenPlaces {
  /** Those that may be merged, `[S]`. */
  readonly sources: GraphValue;
  /** Those that they are merged into: one of each 2×2, `[D]`. */
  readonly destinations: GraphValue;
  /** Where each token is in the list of the sources, then the destinations, `[N]`. */
  readonly position: GraphValue;
}

/**
 * The places of the pixels of x, `[B, C, H, W]`. Destinations are at even rows and columns, where the paper draws one of
 * each 2×2: a seed makes the same picture again.
 */
export function tokenPlaces(g: GraphBuilder, x: GraphValue): TokenPlaces {
  const [height, width] = [axisLength(g, x, 2), axisLength(g, x, 3)];
  const rows = range(g, height, "rows", 2);
  const columns = range(g, width, "columns", 2);
  const starts = g.node("Unsqueeze", [multiply(g, rows, width), int(g, 1)], { shape: ["rows", 1] });
  const grid = g.node("Add", [starts, columns], { shape: ["rows", "columns"] });
  const destinations = g.node("Reshape", [grid, int(g, -1)], { shape: ["destinations"] });
  const tokens = range(g, multiply(g, height, width), "tokens");
  const zeros = multiply(g, tokens, int(g, 0));
  const marked = scatter(g, zeros, destinations, add(g, multiply(g, destinations, int(g, 0)), int(g, 1)), 0);
  const isSource = g.node("Equal", [marked, int(g, 0)], { type: "bool", shape: tokens.shape });
  const sources = g.node("Compress", [tokens, isSource], { attributes: { axis: 0 }, shape: ["sources"] });
  const listed = join(g, sources, destinations, 0, "tokens");
  return { sources, destinations, position: scatter(g, zeros, listed, tokens, 0) };
}

/** Makes fewer tokens of many, and many again. */
export interface TokenMerger {
  /** The mean of each group, `[B, N, C]` → `[B, fewer, C]`. */
  merge(value: GraphValue): GraphValue;
  /** Each group's value for all of its members, `[B, fewer, C]` → `[B, N, C]`. */
  restore(value: GraphValue): GraphValue;
}

/** Merges the tokens of a resolution: of pixels `[B, C, H, W]`, what their tokens `[B, N, C]` are at a block. */
export type PixelMerging = (g: GraphBuilder, pixels: GraphValue) => (tokens: GraphValue) => TokenMerger;

/** How tokens are merged at a resolution, counted from the finest; undefined where they are not. */
export type TokenMergers = (level: number) => PixelMerging | undefined;

/**
 * Token merging as the graph of a UNet takes it. It comes as a value, so that pages that merge nothing load nothing of it.
 *
 * @throws TypeError or RangeError naming the option, its value and what is accepted.
 * @example
 * ```ts
 * const config = unet2dConditionConfig(await readJson(file), file.name);
 * const network = unet2dCondition(checkpoint, config, { tokenMerging: tokenMergers({ ratio: 0.5 }) });
 * ```
 */
export function tokenMergers(merging: TokenMerging): TokenMergers {
  checkTokenMerging(merging);
  const { ratio, maxDownsample = 1 } = merging;
  return (level) => {
    if (2 ** level > maxDownsample) return undefined;
    return (g, pixels) => {
      const places = tokenPlaces(g, pixels);
      return (tokens) => tokenMerger(g, tokens, places, ratio);
    };
  };
}

/**
 * Merges those sources that resemble a destination most into it (bipartite soft matching: Bolya et al. 2023, §3).
 *
 * @param x what is compared, by the cosine, `[B, N, C]`.
 */
export function tokenMerger(g: GraphBuilder, x: GraphValue, places: TokenPlaces, ratio: number): TokenMerger {
  const [batch = "batch"] = x.shape;
  const { order, destination } = match(g, x, places);
  const count = mergedCount(g, x, places, ratio);
  const merged = slice(g, order, int(g, 0), count, "merged");
  const kept = slice(g, order, count, int(g, Number.MAX_SAFE_INTEGER), "kept");
  const target = g.node("GatherElements", [destination, merged], { attributes: { axis: 1 }, shape: merged.shape });
  const rows = rowsOfTokens(g, places, { order, target, count });
  return {
    merge(value) {
      const from = g.node("Gather", [value, places.sources], {
        attributes: { axis: 1 },
        shape: [batch, "sources", value.shape[2]!],
      });
      const into = g.node("Gather", [value, places.destinations], {
        attributes: { axis: 1 },
        shape: [batch, "destinations", value.shape[2]!],
      });
      const means = groupMeans(g, into, gatherRows(g, from, merged), target);
      return join(g, gatherRows(g, from, kept), means, 1, "fewer");
    },
    restore: (value) => gatherRows(g, value, rows),
  };
}

/** The sources of each item from the one that resembles a destination most, and the destination that each resembles most. */
function match(g: GraphBuilder, x: GraphValue, { sources, destinations }: TokenPlaces) {
  const [batch = "batch"] = x.shape;
  const unit = normalized(g, x);
  const pick = (places: GraphValue) =>
    g.node("Gather", [unit, places], { attributes: { axis: 1 }, shape: [batch, places.shape[0]!, x.shape[2]!] });
  const shape = [batch, "sources", "destinations"];
  const cosines = g.node("MatMul", [pick(sources), transpose(g, pick(destinations), [0, 2, 1])], { shape });
  // ONNX Runtime keeps the axis of a reduction of nothing, whatever it is told: it goes afterwards
  const flat = (value: GraphValue) => g.node("Squeeze", [value, int(g, 2)], { shape: [batch, "sources"] });
  const one = [batch, "sources", 1];
  const nearest = flat(g.node("ReduceMax", [cosines, int(g, -1)], { shape: one }));
  const destination = flat(g.node("ArgMax", [cosines], { attributes: { axis: -1 }, type: "int64", shape: one }));
  const order = g.node("TopK", [nearest, axisLength(g, sources, 0)], {
    output: 1,
    type: "int64",
    shape: nearest.shape,
  });
  return { order, destination };
}

function normalized(g: GraphBuilder, x: GraphValue): GraphValue {
  const values = cast(g, x, "float32");
  const norm = g.node("ReduceL2", [values, int(g, -1)], { shape: x.shape.with(2, 1) });
  const safe = g.node("Max", [norm, g.constant("float32", [1e-12])], { shape: norm.shape });
  return g.node("Div", [values, safe], { shape: x.shape });
}

/** ⌊N · ratio⌋, or all sources where there are fewer, `[1]`. */
function mergedCount(g: GraphBuilder, x: GraphValue, { sources }: TokenPlaces, ratio: number): GraphValue {
  const share = multiply(g, cast(g, axisLength(g, x, 1), "float32"), g.constant("float32", [ratio]));
  return g.node("Min", [cast(g, share, "int64"), axisLength(g, sources, 0)], { shape: [1] });
}

/** For each token, its row among the merged ones: the sources that are kept, then the destinations. `[B, N]` */
function rowsOfTokens(
  g: GraphBuilder,
  { sources, destinations, position }: TokenPlaces,
  { order, target, count }: { readonly order: GraphValue; readonly target: GraphValue; readonly count: GraphValue },
): GraphValue {
  const [batch = "batch"] = order.shape;
  const keptCount = g.node("Sub", [axisLength(g, sources, 0), count], { shape: [1] });
  const forAll = (value: GraphValue) => {
    const shape = join(g, axisLength(g, order, 0), axisLength(g, value, 0), 0, 2);
    return g.node("Expand", [value, shape], { shape: [batch, value.shape[0]!] });
  };
  // in the order of likeness, as the sources that are merged are first there
  const inOrder = join(g, add(g, target, keptCount), forAll(range(g, keptCount, "kept")), 1, "sources");
  const ofSources = scatter(g, multiply(g, order, int(g, 0)), order, inOrder, 1);
  const ofDestinations = forAll(add(g, range(g, axisLength(g, destinations, 0), "destinations"), keptCount));
  const listed = join(g, ofSources, ofDestinations, 1, "tokens");
  return g.node("Gather", [listed, position], { attributes: { axis: 1 }, shape: [batch, "tokens"] });
}

/** The mean of each destination and what is merged into it. */
function groupMeans(g: GraphBuilder, into: GraphValue, merged: GraphValue, target: GraphValue): GraphValue {
  const [batch = "batch"] = into.shape;
  const rows = g.node("Unsqueeze", [target, int(g, 2)], { shape: [batch, "merged", 1] });
  const shape = g.node("Shape", [merged], { type: "int64", shape: [3] });
  const index = g.node("Expand", [rows, shape], { shape: merged.shape });
  const sums = scatter(g, into, index, merged, 1, "add");
  // one for each member: an equal number for all, as whole numbers
  const ones = (numbers: GraphValue) => add(g, multiply(g, numbers, int(g, 0)), int(g, 1));
  const first = g.node("Slice", [into, int(g, 0), int(g, 1), int(g, 2)], { shape: into.shape.with(2, 1) });
  const own = ones(cast(g, first, "int64"));
  const sizes = scatter(g, own, rows, ones(rows), 1, "add");
  return g.node("Div", [sums, cast(g, sizes, into.type)], { shape: into.shape });
}

/** Rows of each item: `[B, N, C]`, `[B, K]` → `[B, K, C]`. */
function gatherRows(g: GraphBuilder, value: GraphValue, rows: GraphValue): GraphValue {
  const [batch = "batch", length = "rows"] = rows.shape;
  const index = g.node("Unsqueeze", [rows, int(g, 2)], { shape: [batch, length, 1] });
  return g.node("GatherND", [value, index], { attributes: { batch_dims: 1 }, shape: [batch, length, value.shape[2]!] });
}

function scatter(
  g: GraphBuilder,
  data: GraphValue,
  index: GraphValue,
  updates: GraphValue,
  axis: number,
  reduction: "none" | "add" = "none",
): GraphValue {
  return g.node("ScatterElements", [data, index, updates], { attributes: { axis, reduction }, shape: data.shape });
}

/** 0, step, … below the limit, `[1]`. */
function range(g: GraphBuilder, limit: GraphValue, name: string, step = 1): GraphValue {
  const [start, by] = [g.constant("int64", [0], []), g.constant("int64", [step], [])];
  return g.node("Range", [start, g.node("Squeeze", [limit], { shape: [] }), by], { shape: [name] });
}

/** The length of an axis, `[1]`. */
function axisLength(g: GraphBuilder, x: GraphValue, axis: number): GraphValue {
  return g.node("Shape", [x], { attributes: { start: axis, end: axis + 1 }, type: "int64", shape: [1] });
}

const int = (g: GraphBuilder, value: number): GraphValue => g.constant("int64", [value]);

function slice(g: GraphBuilder, x: GraphValue, from: GraphValue, to: GraphValue, length: Dim): GraphValue {
  return g.node("Slice", [x, from, to, int(g, 1)], { shape: x.shape.with(1, length) });
}

function join(g: GraphBuilder, a: GraphValue, b: GraphValue, axis: number, length: Dim): GraphValue {
  return g.node("Concat", [a, b], { attributes: { axis }, shape: a.shape.with(axis, length) });
}
