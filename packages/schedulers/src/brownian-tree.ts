import { type Shape, torchRandom } from "@latentkit/core";
import { spawnedSeed } from "./seed-sequence.js";

/** A Brownian motion in time, the same for the same seed wherever and in whatever order it is asked. */
export type BrownianMotion = (from: number, to: number) => Float32Array;

/** A dyadic part of the time with the increment over it. */
interface Interval {
  readonly start: number;
  readonly end: number;
  /** Path from the root as binary digits. */
  readonly key: number;
  readonly depth: number;
  readonly increment: Float32Array;
}

const poolSize = 24;

/**
 * The increments of torchsde's `BrownianTree` (Li et al. 2020, algorithm 3) with tolerance 1e-6 over [start, end]:
 * halves are split by Brownian bridges whose noise is seeded by the place in the tree. Float32, rounded as in PyTorch.
 * Times outside the range count as its ends.
 */
export function brownianTree(start: number, end: number, entropy: number | bigint, shape: Shape): BrownianMotion {
  const normal = (spawnKey: readonly number[]): Float32Array =>
    torchRandom(spawnedSeed(entropy, spawnKey, poolSize)).normal(shape).data;
  const scale = Math.fround(Math.sqrt(end - start));
  const root: Interval = {
    start: microRounded(start),
    end: microRounded(end),
    key: 0,
    depth: 0,
    increment: normal([]).map((x) => x * scale),
  };
  const inRange = (time: number): number => microRounded(Math.min(Math.max(time, root.start), root.end));
  return (from, to) => {
    const [first, ...others] = increments(root, inRange(from), inRange(to), normal);
    const sum = first?.slice() ?? new Float32Array(root.increment.length);
    for (const other of others) for (let i = 0; i < sum.length; i++) sum[i]! += other[i]!;
    return sum;
  };
}

/** Increments of the largest dyadic intervals that make up [from, to], in order. */
function increments(
  node: Interval,
  from: number,
  to: number,
  normal: (spawnKey: readonly number[]) => Float32Array,
): Float32Array[] {
  if (from >= to) return [];
  if (from === node.start && to === node.end) return [node.increment];
  const [left, right] = halves(node, normal([node.key, node.depth]));
  return [
    ...increments(left, from, Math.min(to, left.end), normal),
    ...increments(right, Math.max(from, right.start), to, normal),
  ];
}

/** A Brownian bridge: the middle is normal around the weighted mean of the ends. */
function halves({ start, end, key, depth, increment }: Interval, noise: Float32Array): readonly [Interval, Interval] {
  const { fround, sqrt } = Math;
  const middle = microRounded(0.5 * (end + start));
  const reciprocal = 1 / (end - start);
  const [share, inverse] = [fround(middle - start), fround(reciprocal)];
  const deviation = fround(sqrt((middle - start) * (end - middle) * reciprocal));
  const [left, right] = [new Float32Array(noise.length), new Float32Array(noise.length)];
  for (let i = 0; i < noise.length; i++) {
    left[i] = fround(fround(share * increment[i]!) * inverse) + fround(deviation * noise[i]!);
    right[i] = increment[i]! - left[i]!;
  }
  return [
    { start, end: middle, key: 2 * key, depth: depth + 1, increment: left },
    { start: middle, end, key: 2 * key + 1, depth: depth + 1, increment: right },
  ];
}

/** Python's round(value, 6): the nearest millionth of the exact binary value, halves to even. */
function microRounded(value: number): number {
  const rounded = Number(value.toFixed(6));
  const scaled = value * 128;
  // an exact half is an odd number of 128ths, 64 times over; toFixed takes the larger neighbour
  const isHalf = Number.isInteger(scaled) && scaled % 2 !== 0;
  return isHalf && Math.round(rounded * 1e6) % 2 !== 0 ? Number((rounded - 1e-6).toFixed(6)) : rounded;
}
