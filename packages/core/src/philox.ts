/** Four random words. */
export type PhiloxBlock = readonly [number, number, number, number];

/** A 64-bit number as its low and high words, unsigned. */
export type WordPair = readonly [low: number, high: number];

const rounds = 10;
const multipliers = [0xd2511f53, 0xcd9e8d57] as const;
const keySteps = [0x9e3779b9, 0xbb67ae85] as const;

/**
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): four random words for a counter
 * of 128 bits and a key of 64. curand puts the offset of a stream into the counter's low half, its number into the
 * high one.
 */
export function philox(low: WordPair, high: WordPair, [key0, key1]: WordPair): PhiloxBlock {
  let [c0, c1, c2, c3, k0, k1] = [low[0], low[1], high[0], high[1], key0, key1];
  for (let round = 0; round < rounds; round++) {
    const low0 = Math.imul(multipliers[0], c0) >>> 0;
    const low1 = Math.imul(multipliers[1], c2) >>> 0;
    const high0 = highWord(multipliers[0], c0, low0);
    const high1 = highWord(multipliers[1], c2, low1);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c1 = low1;
    c3 = low0;
    k0 = (k0 + keySteps[0]) >>> 0;
    k1 = (k1 + keySteps[1]) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The upper half of a · b: the product in double precision is off by less than 2⁻²⁰ of it. */
function highWord(a: number, b: number, low: number): number {
  return Math.round((a * b - low) / 2 ** 32);
}

/** A number below 2⁶⁴ in two words. */
export function wordPair(value: bigint): WordPair {
  return [Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn)];
}
