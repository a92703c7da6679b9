/**
 * The quantile of a beta distribution: x where the regularised incomplete beta function I_x(a, b) is p.
 * By bisection, to a relative error of 1e-13.
 */
export function betaQuantile(p: number, a: number, b: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  let [low, high] = [0, 1];
  for (let middle = 0.5; middle > low && middle < high; middle = (low + high) / 2) {
    if (betaDistribution(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return low;
}

/** I_x(a, b), by the continued fraction that converges fast on this side of the mean (Abramowitz & Stegun 26.5.8). */
function betaDistribution(x: number, a: number, b: number): number {
  if (x > (a + 1) / (a + b + 2)) return 1 - betaDistribution(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a;
  return front / continuedFraction(x, a, b);
}

/** Lentz's method. */
function continuedFraction(x: number, a: number, b: number): number {
  let [value, c, d] = [1, 1, 0];
  for (let n = 1; n < 300; n++) {
    const m = Math.floor(n / 2);
    const numerator =
      n % 2 === 0
        ? (m * (b - m) * x) / ((a + n - 1) * (a + n))
        : (-(a + m) * (a + b + m) * x) / ((a + n - 1) * (a + n));
    d = 1 / (1 + numerator * d);
    c = 1 + numerator / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return value;
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Lanczos' approximation with g = 7 and nine terms, good to 1e-15. */
const lanczos: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

function logGamma(x: number): number {
  const z = x - 1;
  const t = z + 7.5;
  const sum = lanczos.reduce((total, term, i) => total + (i === 0 ? term : term / (z + i)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}
