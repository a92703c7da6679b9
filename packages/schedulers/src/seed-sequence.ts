/** 32-bit multiplication, unsigned. */
const times = (a: number, b: number): number => Math.imul(a, b) >>> 0;

/** A hash whose constant moves on with every use. */
function hasher(constant: number, factor: number): (value: number) => number {
  let state = constant;
  return (value) => {
    const mixed = value ^ state;
    state = times(state, factor);
    const product = times(mixed, state);
    return (product ^ (product >>> 16)) >>> 0;
  };
}

function mixed(a: number, b: number): number {
  const difference = times(a, 0xca01f9dd) - times(b, 0x4973f715);
  return (difference ^ (difference >>> 16)) >>> 0;
}

/** The 32-bit words of a whole number, lowest first. */
function words(value: number | bigint): number[] {
  const rest = BigInt(value);
  const low = Number(rest & 0xffffffffn);
  return rest > 0xffffffffn ? [low, ...words(rest >> 32n)] : [low];
}

/**
 * The first word of `numpy.random.SeedSequence(entropy, spawn_key=spawnKey, pool_size=poolSize)`: an independent
 * 32-bit seed for every key (O'Neill's `seed_seq_fe`).
 */
export function spawnedSeed(entropy: number | bigint, spawnKey: readonly number[], poolSize: number): number {
  const own = words(entropy);
  const padding = spawnKey.length > 0 ? Math.max(poolSize - own.length, 0) : 0;
  const input = [...own, ...new Array<number>(padding).fill(0), ...spawnKey.flatMap(words)];
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = Array.from({ length: poolSize }, (_, i) => hash(input[i] ?? 0));
  for (let source = 0; source < poolSize; source++) {
    for (let i = 0; i < poolSize; i++) if (i !== source) pool[i] = mixed(pool[i]!, hash(pool[source]!));
  }
  for (const word of input.slice(poolSize)) {
    for (let i = 0; i < poolSize; i++) pool[i] = mixed(pool[i]!, hash(word));
  }
  return hasher(0x8b51f9dd, 0x58f38ded)(pool[0]!);
}
