import type { NdArray } from "ndarray";
import { checkDrawType, checkedSize, checkStateSource, rangeOf, seedOf, wideRangeOf } from "./draw-arguments.js";
import { roundToBfloat16, roundToFloat16 } from "./float-rounding.js";
import { ndarray } from "./ndarray.js";
import { type PhiloxBlock, philox, wordPair } from "./philox.js";
import type { DrawOptions, RandomSource } from "./random-source.js";
import { type Shape, tensor } from "./tensor.js";

/** A saved stream: the seed in decimal digits, and how many of its counters earlier draws have used up. */
export interface TorchCudaRandomState {
  readonly source: "torchCudaRandom";
  readonly seed: string;
  readonly offset: number;
  readonly threads?: number;
}

/** The GPU to draw as. */
export interface TorchCudaRandomOptions {
  /**
   * How many threads it runs at once, a multiple of 256: its multiprocessors times the threads of one, 108 · 2048 for
   * an A100, 128 · 1536 for an RTX 4090. Larger tensors take several values from each thread, so their noise differs
   * from GPU to GPU. @default Infinity: one thread per value, as the "NV" source of stable-diffusion-webui has it
   */
  readonly threads?: number | undefined;
}

/** torch's generator on a GPU. */
export interface TorchCudaRandom extends RandomSource<TorchCudaRandomState> {
  integers(low: number, high: number, shape: Shape): NdArray<Int32Array>;
  /** Ends beyond 2⁵³ are bigints. */
  integers(low: WideEnd, high: WideEnd, shape: Shape, options: Int64): NdArray<BigInt64Array<ArrayBuffer>>;
}

/**
 * Draws what `torch.Generator("cuda").manual_seed(seed)` draws (Philox4x32-10 and curand's Box–Muller) in float32,
 * float16 and bfloat16; there is no float64. All 64 bits of the seed matter. Normals agree with a GPU's to about 1e-6,
 * the error of its fast sines; uniform values and integers are equal, integer ranges of 2²⁸ and more those of torch
 * 1.13. Tensors of more values than the GPU has threads (40,960 on a T4, 221,184 on an A100) need `threads`.
 *
 * @throws RangeError when the seed is not an integer, or a saved state is not one that this source's `save` made.
 * @example
 * ```ts
 * const random = torchCudaRandom(42);
 * const noise = random.normal([1, 4, 64, 64]);
 * const later = torchCudaRandom(random.save()); // continues the stream
 * ```
 */
export function torchCudaRandom(
  seed: number | bigint | TorchCudaRandomState,
  options: TorchCudaRandomOptions = {},
): TorchCudaRandom {
  const saved = typeof seed === "object" ? checkedState(seed) : freshState(seed);
  const threads = checkedThreads(options.threads ?? saved.threads ?? Number.POSITIVE_INFINITY);
  const key = wordPair(BigInt(saved.seed));
  let { offset } = saved;

  /** Each thread gives `perBlock` values from one block of words, then goes on to its next block. */
  const visit = (
    size: number,
    perBlock: number,
    put: (at: number, block: PhiloxBlock, place: number) => void,
  ): void => {
    for (let first = 0, turn = 0; first < size; first += threads, turn++) {
      const counter = wordPair(BigInt(offset + Math.floor(turn / perBlock)));
      const end = Math.min(first + threads, size);
      for (let at = first; at < end; at++) put(at, philox(counter, [at - first, 0], key), turn % perBlock);
    }
    if (size > 0) offset += Math.ceil(size / (Math.min(threads, size) * perBlock));
  };

  const reals = (shape: Shape, { dtype = "float32" }: DrawOptions, value: RealValue) => {
    const values = new Float32Array(checkedSize(shape));
    checkDrawType(dtype, drawTypes, "torchCudaRandom");
    const round = rounding[dtype];
    visit(values.length, 4, (at, block, place) => {
      values[at] = value(block, place, round);
    });
    return tensor(values, shape);
  };

  const narrow = (low: number, high: number, size: number): Int32Array => {
    const values = new Int32Array(size);
    const range = rangeOf(low, high);
    const isWide = range === 2 ** 32;
    visit(size, isWide ? 2 : 4, (at, block, place) => {
      values[at] = low + (block[isWide ? 2 * place + 1 : place]! % range);
    });
    return values;
  };

  const wide = (low: WideEnd, high: WideEnd, size: number): BigInt64Array<ArrayBuffer> => {
    const values = new BigInt64Array(size);
    const range = wideRangeOf(low, high);
    const isWide = range >= 2n ** 32n;
    visit(size, isWide ? 2 : 4, (at, block, place) => {
      values[at] = BigInt(low) + ((isWide ? twoWords(block, place) : BigInt(block[place]!)) % range);
    });
    return values;
  };

  function integers(low: number, high: number, shape: Shape): NdArray<Int32Array>;
  function integers(low: WideEnd, high: WideEnd, shape: Shape, options: Int64): NdArray<BigInt64Array<ArrayBuffer>>;
  function integers(low: WideEnd, high: WideEnd, shape: Shape, options?: Int64) {
    const size = checkedSize(shape);
    if (!options) return ndarray(narrow(Number(low), Number(high), size), [...shape]);
    checkDrawType(options.dtype, ["int64"], "torchCudaRandom.integers");
    return ndarray(wide(low, high, size), [...shape]);
  }

  return {
    normal: (shape, options = {}) => reals(shape, options, normalValue),
    uniform: (shape, options = {}) => reals(shape, options, uniformValue),
    integers,
    save: () => ({
      source: "torchCudaRandom",
      seed: saved.seed,
      offset,
      ...(Number.isFinite(threads) && { threads }),
    }),
  };
}

type WideEnd = number | bigint;
type Int64 = { readonly dtype: "int64" };
type RealValue = (block: PhiloxBlock, place: number, round: (value: number) => number) => number;

const fround = Math.fround;
const drawTypes = ["float32", "float16", "bfloat16"] as const;
const rounding = { float32: fround, float16: roundToFloat16, bfloat16: roundToBfloat16 } as const;

const threadsPerBlock = 256;
const perWord = 2 ** -32;
const anglePerWord = fround(perWord * fround(2 * Math.PI));

/** curand's Box–Muller: sine then cosine of the first pair of words, then of the second. */
function normalValue(block: PhiloxBlock, place: number, round: (value: number) => number): number {
  const pair = place - (place % 2);
  const radius = Math.sqrt(-2 * Math.log((block[pair]! + 0.5) * perWord));
  const angle = (block[pair + 1]! + 0.5) * anglePerWord;
  return round(radius * (place % 2 === 0 ? Math.sin(angle) : Math.cos(angle)));
}

/** curand's uniform values lie in (0, 1]; torch turns the ones into zeros. */
function uniformValue(block: PhiloxBlock, place: number, round: (value: number) => number): number {
  const value = round(fround(fround(block[place]!) * perWord + perWord / 2));
  return value === 1 ? 0 : value;
}

function twoWords(block: PhiloxBlock, place: number): bigint {
  return (BigInt(block[2 * place]!) << 32n) | BigInt(block[2 * place + 1]!);
}

function freshState(seed: number | bigint): TorchCudaRandomState {
  return { source: "torchCudaRandom", seed: String(BigInt.asUintN(64, seedOf(seed))), offset: 0 };
}

function checkedState(state: TorchCudaRandomState): TorchCudaRandomState {
  checkStateSource(state, "torchCudaRandom");
  const { seed, offset } = state;
  if (typeof seed === "string" && /^\d{1,20}$/.test(seed) && Number.isSafeInteger(offset) && offset >= 0) return state;
  throw new RangeError("seed: the saved state does not hold a seed in decimal digits and a non-negative offset");
}

function checkedThreads(threads: number): number {
  const isWhole = Number.isSafeInteger(threads) && threads > 0 && threads % threadsPerBlock === 0;
  if (isWhole || threads === Number.POSITIVE_INFINITY) return threads;
  throw new RangeError(`threads: expected a positive multiple of ${threadsPerBlock}, got ${threads}`);
}
