const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Rounds a finite number to float16, ties to even. Beyond ±65504, where float16 ends, it does not go to infinity. */
export function roundToFloat16(value: number): number {
  return rounded(value, 10, -14);
}

/** Rounds a finite number to bfloat16, ties to even. */
export function roundToBfloat16(value: number): number {
  return rounded(value, 7, -126);
}

/**
 * By way of float32, as C++ converts, to `fraction` bits after the leading one; below 2^`lowest` the distance between
 * neighbours shrinks no more.
 */
function rounded(value: number, fraction: number, lowest: number): number {
  float[0] = value;
  const exponent = ((bits[0]! >>> 23) & 0xff) - 127;
  // at this size neighbouring doubles are as far apart as the wanted ones, so the sum is rounded as wanted
  const big = 1.5 * 2 ** (52 + Math.max(exponent, lowest) - fraction);
  return float[0]! + big - big;
}
