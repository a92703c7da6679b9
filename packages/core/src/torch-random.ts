import type { NdArray } from "ndarray";
// 8.2: later ones bring 3 kB of a table for jumps ahead
import { mersenne, mersenneFromState } from "pure-rand/generator/mersenne";
import { checkDrawType, checkedSize, checkStateSource, rangeOf, seedOf, wideRangeOf } from "./draw-arguments.js";
import { roundToBfloat16, roundToFloat16 } from "./float-rounding.js";
import { ndarray } from "./ndarray.js";
import type { DrawOptions, RandomSource } from "./random-source.js";
import { type Shape, type Tensor, tensor } from "./tensor.js";

/** A saved stream: position and words of the Mersenne Twister, and the normal value kept from the last pair. */
export interface TorchRandomState {
  readonly source: "torchRandom";
  readonly words: readonly number[];
  readonly cachedNormal?: number;
}

/** torch's generator on the CPU. */
export interface TorchRandom extends RandomSource<TorchRandomState> {
  normal(shape: Shape, options?: DrawOptions): Tensor;
  normal(shape: Shape, options: { readonly dtype: "float64" }): NdArray<Float64Array>;
  uniform(shape: Shape, options?: DrawOptions): Tensor;
  uniform(shape: Shape, options: { readonly dtype: "float64" }): NdArray<Float64Array>;
  integers(low: number, high: number, shape: Shape): NdArray<Int32Array>;
  /** Ends beyond 2⁵³ are bigints. */
  integers(
    low: number | bigint,
    high: number | bigint,
    shape: Shape,
    options: { readonly dtype: "int64" },
  ): NdArray<BigInt64Array<ArrayBuffer>>;
}

/**
 * Draws exactly what `torch.Generator("cpu").manual_seed(seed)` draws (MT19937), in float32, float16, bfloat16 or
 * float64. Only the low 32 bits of the seed matter. Float32 tensors of 16 and more values agree to 3e-6, the rounding
 * of float32 logarithms and cosines; smaller ones to 3e-7; uniform values and integers are equal. The streams are
 * those of torch 1.13: newer versions draw integer ranges of 2²⁸ and more, and float16 and bfloat16 normals, otherwise.
 *
 * @throws RangeError when the seed is not an integer, or a saved state is not one that this source's `save` made.
 * @example
 * ```ts
 * const random = torchRandom(42);
 * const noise = random.normal([1, 4, 64, 64]);
 * const half = random.normal([1, 4, 64, 64], { dtype: "float16" });
 * const later = torchRandom(random.save()); // continues the stream
 * ```
 */
export function torchRandom(seed: number | bigint | TorchRandomState): TorchRandom {
  const twister = typeof seed === "object" ? savedTwister(seed) : mersenne(Number(BigInt.asIntN(32, seedOf(seed))));
  let cached = typeof seed === "object" ? seed.cachedNormal : undefined;
  const word: Words = () => twister.next() >>> 0;

  const nextNormal = (): number => {
    if (cached !== undefined) {
      const kept = cached;
      cached = undefined;
      return kept;
    }
    const [first, second] = normalPair(word);
    cached = second;
    return first;
  };

  /** Small tensors of every precision take double-precision normals, and share the one that is kept. */
  function drawn<Values extends Reals>(values: Values, format: Format): Values {
    if (values.length >= blockSize) return normalBlocks(word, values, format);
    for (let i = 0; i < values.length; i++) values[i] = format.round(nextNormal());
    return values;
  }

  function normal(shape: Shape, options?: DrawOptions): Tensor;
  function normal(shape: Shape, options: Float64): NdArray<Float64Array>;
  function normal(shape: Shape, { dtype = "float32" }: DrawOptions | Float64 = {}): NdArray<Reals> {
    const size = checkedSize(shape);
    checkDrawType(dtype, drawTypes, "torchRandom");
    return dtype === "float64"
      ? ndarray(drawn(new Float64Array(size), formats.float64), [...shape])
      : tensor(drawn(new Float32Array(size), formats[dtype]), shape);
  }

  function uniform(shape: Shape, options?: DrawOptions): Tensor;
  function uniform(shape: Shape, options: Float64): NdArray<Float64Array>;
  function uniform(shape: Shape, { dtype = "float32" }: DrawOptions | Float64 = {}): NdArray<Reals> {
    const size = checkedSize(shape);
    checkDrawType(dtype, drawTypes, "torchRandom");
    return dtype === "float64"
      ? ndarray(fillUniform(word, new Float64Array(size), formats.float64), [...shape])
      : tensor(fillUniform(word, new Float32Array(size), formats[dtype]), shape);
  }

  function integers(low: number, high: number, shape: Shape): NdArray<Int32Array>;
  function integers(low: WideEnd, high: WideEnd, shape: Shape, options: Int64): NdArray<BigInt64Array<ArrayBuffer>>;
  function integers(low: WideEnd, high: WideEnd, shape: Shape, options?: Int64) {
    const size = checkedSize(shape);
    if (!options) return ndarray(narrowIntegers(word, Number(low), Number(high), size), [...shape]);
    checkDrawType(options.dtype, ["int64"], "torchRandom.integers");
    return ndarray(wideIntegers(word, low, high, size), [...shape]);
  }

  return {
    normal,
    uniform,
    integers,
    save() {
      const words = twister.getState();
      return { source: "torchRandom", words, ...(cached !== undefined && { cachedNormal: cached }) };
    },
  };
}

/** The next 32 random bits, unsigned. */
type Words = () => number;
type Reals = Float32Array | Float64Array;
type WideEnd = number | bigint;
type Float64 = { readonly dtype: "float64" };
type Int64 = { readonly dtype: "int64" };

/** How torch draws and computes in one precision. */
interface Format {
  /** The next number in [0, 1), with as many random bits as the precision holds. */
  readonly unit: (word: Words) => number;
  /** A stored value, rounded. */
  readonly round: (value: number) => number;
  /** The result of one operation, rounded: C++ computes with float16 values in float32. */
  readonly step: (value: number) => number;
  readonly twoPi: number;
}

const bitsOf =
  (count: number): Format["unit"] =>
  (word) =>
    (word() & (2 ** count - 1)) * 2 ** -count;

const twoPi = 2 * Math.PI;
const formats = {
  float32: { unit: bitsOf(24), round: Math.fround, step: Math.fround, twoPi: Math.fround(twoPi) },
  float16: { unit: bitsOf(11), round: roundToFloat16, step: Math.fround, twoPi },
  bfloat16: { unit: bitsOf(8), round: roundToBfloat16, step: roundToBfloat16, twoPi },
  float64: { unit: double, round: asItIs, step: asItIs, twoPi },
} as const satisfies Record<string, Format>;
const drawTypes = ["float32", "float16", "bfloat16", "float64"] as const;

/** torch fills tensors of at least this many values block by block. */
const blockSize = 16;

function asItIs(value: number): number {
  return value;
}

function savedTwister(state: TorchRandomState): ReturnType<typeof mersenne> {
  checkStateSource(state, "torchRandom");
  const { words, cachedNormal = 0 } = state;
  if (!Array.isArray(words) || !words.every(Number.isInteger) || !Number.isFinite(cachedNormal)) {
    throw new RangeError("seed: the saved state does not hold integers and a finite normal value");
  }
  try {
    return mersenneFromState(words);
  } catch (cause) {
    throw new RangeError("seed: the saved state does not hold a position and 624 words", { cause });
  }
}

/** 53 random bits in [0, 1), the high word first. */
function double(word: Words): number {
  const high = word() & 0x1fffff;
  return (high * 2 ** 32 + word()) * 2 ** -53;
}

/** Box and Muller 1958 in double precision. */
function normalPair(word: Words): readonly [number, number] {
  const angle = twoPi * double(word);
  const radius = Math.sqrt(-2 * Math.log1p(-double(word)));
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

function fillUniform<Values extends Reals>(word: Words, values: Values, { unit }: Format): Values {
  for (let i = 0; i < values.length; i++) values[i] = unit(word);
  return values;
}

/** Uniform values for the whole tensor first, then Box–Muller on each block; a rest draws the last block anew. */
function normalBlocks<Values extends Reals>(word: Words, values: Values, format: Format): Values {
  const size = values.length;
  fillUniform(word, values, format);
  for (let start = 0; start + blockSize <= size; start += blockSize) toNormal(values, start, format);
  if (size % blockSize === 0) return values;
  fillUniform(word, values.subarray(size - blockSize), format);
  toNormal(values, size - blockSize, format);
  return values;
}

/** Box–Muller with every operation rounded: the first half of a block holds the radii's uniforms and takes the cosines, the second half the angles' and the sines. */
function toNormal(values: Reals, start: number, { round, step, twoPi }: Format): void {
  const half = blockSize / 2;
  for (let i = start; i < start + half; i++) {
    const radius = round(step(Math.sqrt(step(-2 * step(Math.log(round(1 - values[i]!)))))));
    const angle = round(twoPi * values[i + half]!);
    values[i] = round(radius * step(Math.cos(angle)));
    values[i + half] = round(radius * step(Math.sin(angle)));
  }
}

function narrowIntegers(word: Words, low: number, high: number, size: number): Int32Array {
  const range = rangeOf(low, high);
  const draw = (): number => {
    // torch takes 64 bits for a range of 2³², the widest between 32-bit ends: its remainder is their low word
    if (range === 2 ** 32) word();
    return low + (word() % range);
  };
  return Int32Array.from({ length: size }, draw);
}

function wideIntegers(word: Words, low: WideEnd, high: WideEnd, size: number): BigInt64Array<ArrayBuffer> {
  const range = wideRangeOf(low, high);
  const first = BigInt(low);
  const draw = (): bigint => {
    const upper = range >= 2n ** 32n ? BigInt(word()) << 32n : 0n;
    return first + ((upper | BigInt(word())) % range);
  };
  return BigInt64Array.from({ length: size }, draw);
}
