// IEEE 754 binary16: one sign bit, 5 exponent bits (bias 15), 10 fraction bits. Float32 has 8 (bias 127) and 23.

const FLOAT_INFINITY = 0x7f800000;
const HALF_INFINITY = 0x7c00;
/** What the exponents' biases differ by, in its place in a float32. */
const REBIAS = (127 - 15) << 23;
/** 2⁻¹⁴, the smallest float16 that is not subnormal, as float32 bits. */
const SMALLEST_NORMAL = 113 << 23;
/** 2¹⁶, which float16 has no exponent for, as float32 bits. */
const TOO_LARGE = 143 << 23;
/** Distance of neighbouring subnormal values. */
const SUBNORMAL_STEP = 2 ** -24;

/**
 * Float16 values, given by their bits, as float32; every one of them is exact.
 *
 * @example
 * ```ts
 * halfToFloat(Uint16Array.of(0x3c00, 0xc000, 0x0001)); // 1, -2, 2⁻²⁴
 * ```
 */
export function halfToFloat(half: Uint16Array): Float32Array<ArrayBuffer> {
  const floats = new Float32Array(half.length);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < half.length; i++) {
    const magnitude = half[i]! & 0x7fff;
    const sign = (half[i]! & 0x8000) << 16;
    if (magnitude >= HALF_INFINITY) bits[i] = sign | FLOAT_INFINITY | (magnitude << 13);
    else if (magnitude >= 0x400) bits[i] = sign | ((magnitude << 13) + REBIAS);
    else {
      floats[i] = magnitude * SUBNORMAL_STEP;
      bits[i]! |= sign;
    }
  }
  return floats;
}

/**
 * Float32 values rounded to float16, given as bits: to the nearest, ties to even. From 65520 on they are infinite.
 *
 * @example
 * ```ts
 * floatToHalf(Float32Array.of(1, -2, 65520)); // 0x3c00, 0xc000, 0x7c00
 * ```
 */
export function floatToHalf(floats: Float32Array): Uint16Array<ArrayBuffer> {
  const half = new Uint16Array(floats.length);
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const sum = new Float32Array(1);
  const sumBits = new Uint32Array(sum.buffer);
  for (let i = 0; i < floats.length; i++) {
    const magnitude = bits[i]! & 0x7fffffff;
    const sign = (bits[i]! >>> 16) & 0x8000;
    if (magnitude >= TOO_LARGE) half[i] = sign | (magnitude > FLOAT_INFINITY ? 0x7e00 : HALF_INFINITY);
    else if (magnitude >= SMALLEST_NORMAL) {
      // half of the last place kept, less one where that place is even; a carry moves on into the exponent
      half[i] = sign | ((magnitude - REBIAS + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else {
      // above ½ float32 values lie as far apart as subnormal float16 ones, so the sum is rounded as wanted
      sum[0] = Math.abs(floats[i]!) + 0.5;
      half[i] = sign | (sumBits[0]! & 0x7ff);
    }
  }
  return half;
}
