import ndarray from "ndarray";
import { mersenne, mersenneFromState } from "pure-rand/generator/mersenne";
import type { RandomSource } from "./random-source.js";
import { type Shape, sizeOf, tensor } from "./tensor.js";

/** A saved stream: position and words of the Mersenne Twister, and the normal value kept from the last pair. */
export interface TorchRandomState {
  readonly words: readonly number[];
  readonly cachedNormal?: number;
}

/**
 * Draws exactly what `torch.Generator("cpu").manual_seed(seed)` draws in float32 (MT19937).
 * Only the low 32 bits of the seed matter. Tensors of 16 and more values agree to 3e-6, the rounding of float32
 * logarithms and cosines; smaller ones to 3e-7; uniform values and integers are equal. Integer ranges of 2²⁸ and
 * more are those of torch 1.13; newer versions draw them otherwise.
 *
 * @throws RangeError when the seed is not an integer, or a saved state is not one that `save` made.
 * @example
 * ```ts
 * const random = torchRandom(42);
 * const noise = random.normal([1, 4, 64, 64]);
 * const later = torchRandom(random.save()); // continues the stream
 * ```
 */
export function torchRandom(seed: number | bigint | TorchRandomState): RandomSource<TorchRandomState> {
  const twister = typeof seed === "object" ? savedTwister(seed) : mersenne(seed32(seed));
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

  return {
    normal(shape) {
      const size = checkedSize(shape);
      return tensor(
        size < blockSize ? Float32Array.from({ length: size }, nextNormal) : normalBlocks(word, size),
        shape,
      );
    },
    uniform(shape) {
      return tensor(fillUniform(word, new Float32Array(checkedSize(shape))), shape);
    },
    integers(low, high, shape) {
      checkRange(low, high);
      const range = high - low;
      const draw = (): number => {
        // torch takes 64 bits for a range of 2³², the widest between 32-bit ends: its remainder is their low word
        if (range === 2 ** 32) word();
        return low + (word() % range);
      };
      return ndarray(Int32Array.from({ length: checkedSize(shape) }, draw), [...shape]);
    },
    save() {
      return { words: twister.getState(), ...(cached !== undefined && { cachedNormal: cached }) };
    },
  };
}

/** The next 32 random bits, unsigned. */
type Words = () => number;

/** torch fills tensors of at least this many values block by block. */
const blockSize = 16;

const fround = Math.fround;
const twoPi = fround(2 * Math.PI);

function seed32(seed: number | bigint): number {
  if (typeof seed !== "bigint" && !Number.isInteger(seed)) {
    throw new RangeError(`seed: expected an integer, a bigint or a saved state, got ${String(seed)}`);
  }
  return Number(BigInt.asIntN(32, BigInt(seed)));
}

function savedTwister(state: TorchRandomState): ReturnType<typeof mersenne> {
  const { words, cachedNormal = 0 } = state ?? {};
  if (!Array.isArray(words) || !words.every(Number.isInteger) || !Number.isFinite(cachedNormal)) {
    throw new RangeError("seed: expected an integer, a bigint or what save() returned, got another object");
  }
  try {
    return mersenneFromState(words);
  } catch (cause) {
    throw new RangeError("seed: the saved state does not hold a position and 624 words", { cause });
  }
}

function checkedSize(shape: Shape): number {
  if (!shape.every((axis) => Number.isInteger(axis) && axis >= 0)) {
    throw new RangeError(`shape: expected non-negative integers, got [${shape.join(", ")}]`);
  }
  return sizeOf(shape);
}

function checkRange(low: number, high: number): void {
  const fits = Number.isInteger(low) && Number.isInteger(high) && low >= -(2 ** 31) && high <= 2 ** 31;
  if (!fits || low >= high) {
    throw new RangeError(`low, high: expected 32-bit integers with low < high, got ${low} and ${high}`);
  }
}

/** 53 random bits in [0, 1), the high word first. */
function double(word: Words): number {
  const high = word() & 0x1fffff;
  return (high * 2 ** 32 + word()) * 2 ** -53;
}

/** Box and Muller 1958 in double precision. */
function normalPair(word: Words): readonly [number, number] {
  const angle = 2 * Math.PI * double(word);
  const radius = Math.sqrt(-2 * Math.log1p(-double(word)));
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** 24 random bits each, in [0, 1). */
function fillUniform(word: Words, values: Float32Array): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = (word() & 0xffffff) * 2 ** -24;
  return values;
}

/** Uniform values for the whole tensor first, then Box–Muller on each block; a rest draws the last block anew. */
function normalBlocks(word: Words, size: number): Float32Array {
  const values = fillUniform(word, new Float32Array(size));
  for (let start = 0; start + blockSize <= size; start += blockSize)
    toNormal(values.subarray(start, start + blockSize));
  if (size % blockSize !== 0) toNormal(fillUniform(word, values.subarray(size - blockSize)));
  return values;
}

/** Box–Muller in float32: the first half holds the radii's uniforms and takes the cosines, the second half the angles' and the sines. */
function toNormal(block: Float32Array): void {
  const half = blockSize / 2;
  for (let i = 0; i < half; i++) {
    const radius = fround(Math.sqrt(fround(-2 * fround(Math.log(1 - block[i]!)))));
    const angle = fround(twoPi * block[i + half]!);
    block[i] = radius * fround(Math.cos(angle));
    block[i + half] = radius * fround(Math.sin(angle));
  }
}
