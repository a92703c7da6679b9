// Logarithms and exponentials in float32 as numpy and torch compute them on x86 processors, to the last bit: some
// timesteps and the seeds of some noise hang on it. Both use fused multiply-adds, which double precision stands in for.

const { fround, log, round } = Math;

/** a · b + c, rounded once. */
const fma = (a: number, b: number, c: number): number => fround(a * b + c);

/** Σ cᵢ xⁱ by Horner's rule, highest power first. */
const polynomial = (x: number, [highest, ...rest]: readonly number[]): number =>
  rest.map(fround).reduce((sum, factor) => fma(sum, x, factor), fround(highest!));

/** Mantissa in [low, 2 · low) and exponent of a positive number. */
function split(value: number, low: number): readonly [mantissa: number, exponent: number] {
  const exponent = Math.floor(Math.log2(value / low));
  const mantissa = value / 2 ** exponent;
  if (mantissa < low) return [mantissa * 2, exponent - 1];
  return mantissa < 2 * low ? [mantissa, exponent] : [mantissa / 2, exponent + 1];
}

/** numpy.log of a float32 number: a rational approximation of log(1 + x) for a mantissa near 1. */
export function numpyLog(value: number): number {
  if (!(value > 0 && value < Infinity)) return log(value);
  const [mantissa, exponent] = split(fround(value), Math.SQRT1_2);
  const x = fround(mantissa - 1);
  const numerator = polynomial(
    x,
    [0.025899791179079226, 0.3808837741388408, 1.4800006335765066, 2.112677543073053, 0.9999999999999999, 0],
  );
  const denominator = polynomial(
    x,
    [0.005875095403124574, 0.15464763749839067, 0.9864942958519419, 2.453006071784736, 2.6126775430731093, 1],
  );
  return fma(exponent, fround(Math.LN2), fround(numerator / denominator));
}

/** torch.log of a float32 number (SLEEF's logf_u10): the series of the inverse hyperbolic tangent. */
export function torchLog(value: number): number {
  if (!(value > 0 && value < Infinity)) return log(value);
  const [mantissa, exponent] = split(fround(value), 0.75);
  const x = (mantissa - 1) / (mantissa + 1);
  const square = fround(fround(x) ** 2);
  const series = polynomial(square, [0.3027294874, 0.3996108174, 0.666669488]);
  return fround(exponent * Math.LN2 + 2 * x + fround(fround(square * fround(x)) * series));
}

/** torch.exp of a float32 number (SLEEF's expf_u10): a polynomial after taking out powers of two. */
export function torchExp(value: number): number {
  if (!Number.isFinite(value)) return Math.exp(value);
  const d = fround(value);
  const power = round(fround(d * fround(Math.LOG2E)));
  const rest = fma(power, -fround(1.428606765330187e-6), fma(power, -fround(0.693145751953125), d));
  const tail = polynomial(
    rest,
    [
      0.00019852761761285365, 0.0013930435525253415, 0.008333360776305199, 0.041666485369205475, 0.1666666716337204,
      0.5,
    ],
  );
  return fround(fround(1 + fma(fround(rest ** 2), tail, rest)) * 2 ** power);
}
